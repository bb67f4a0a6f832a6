import Postgres

/// Reads the query parameters of a request, as `RequestReader` reads its body.
struct QueryReader {
    private let query: [(name: String, value: String)]
    private let findings = RequestFindings()

    /// - Parameters:
    ///   - parameters: the names that the operation knows; each may be there once.
    ///   - repeatable: further names that it knows, which may be there more often.
    init(_ call: Call, parameters: [String], repeatable: [String] = []) {
        query = call.query
        let known = parameters + repeatable
        for (index, parameter) in query.enumerated() {
            let name = parameter.name
            if !known.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
                guard findings.note(unknown: name, at: .parameter(name), among: known, "This parameter is not known here.") else { return }
            } else if !repeatable.contains(name), query[..<index].contains(where: { $0.name == name }) {
                fault(name, "This parameter may be there only once.")
            }
        }
    }

    /// Throws what was found, if anything.
    func finish() throws(Problem) { try findings.finish() }

    func identifier(_ name: String) -> Identifier {
        guard let value = value(name) else {
            fault(name, "This parameter is required.")
            return .zero
        }
        return identifier(value, name)
    }

    func optionalIdentifier(_ name: String) -> Identifier? {
        value(name).map { identifier($0, name) }
    }

    /// All values of a parameter that may be there more often than once.
    func identifiers(_ name: String, count range: ClosedRange<Int>) -> [Identifier] {
        let values = query.filter { $0.name.utf8.elementsEqual(name.utf8) }.map(\.value)
        guard range.contains(values.count) else {
            fault(name, "This parameter must be there \(range.lowerBound) to \(range.upperBound) times.")
            return []
        }
        return values.map { identifier($0, name) }
    }

    func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) -> Int {
        guard let value = value(name) else { return standard }
        // `Int` reads a plus sign, too, which no one should write.
        guard value.utf8.allSatisfy({ (48...57).contains($0) }), let integer = Int(value), range.contains(integer) else {
            fault(name, "An integer from \(range.lowerBound) to \(range.upperBound) is expected.")
            return standard
        }
        return integer
    }

    func optionalTimestamp(_ name: String) -> Timestamp? {
        guard let value = value(name) else { return nil }
        let timestamp = Timestamp(value)
        if timestamp == nil { fault(name, "An RFC 3339 time is expected, such as 2026-01-31T12:00:00.123Z.") }
        return timestamp
    }

    private func value(_ name: String) -> String? {
        query.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    private func identifier(_ value: String, _ name: String) -> Identifier {
        guard let identifier = Identifier(value) else {
            fault(name, "A UUID is expected.")
            return .zero
        }
        return identifier
    }

    private func fault(_ name: String, _ detail: String) {
        findings.note(invalid: .parameter(name), detail)
    }
}
