import JSON
import Yams

/// `openapi.yaml` as it is served: byte for byte, and as JSON.
struct Specification: Sendable {
    let yaml: [UInt8]
    let json: [UInt8]

    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    init(yaml: [UInt8]) throws {
        self.yaml = yaml
        guard let root = try Yams.compose(yaml: String(decoding: yaml, as: UTF8.self)) else {
            throw Unreadable(description: "openapi.yaml is empty")
        }
        json = Self.json(root).encoded()
    }

    private static func json(_ node: Node) -> JSON {
        switch node {
        case .mapping(let mapping): .object(mapping.map { ($0.key.string ?? "", json($0.value)) })
        case .sequence(let sequence): .array(sequence.map(json))
        case .scalar(let scalar): json(scalar, node)
        case .alias: .null
        }
    }

    /// Dates are left as they are written: JSON has no other form for them.
    private static func json(_ scalar: Node.Scalar, _ node: Node) -> JSON {
        switch node.any {
        case let boolean as Bool: .boolean(boolean)
        case let integer as Int: .integer(integer)
        case let real as Double: JSON.real(real) ?? .string(scalar.string)
        case is String: .string(scalar.string)
        default: node.null != nil ? .null : .string(scalar.string)
        }
    }
}
