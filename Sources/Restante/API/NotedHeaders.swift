import HTTPServer

/// The header fields that an endpoint has asked for: a head is gone by the time its endpoint runs.
struct NotedHeaders: Sendable {
    private var fields: [(name: StaticString, value: String)] = []

    init() {}

    init(_ names: [StaticString], of head: RequestHead) {
        for name in names {
            if let value = head.header(name) { fields.append((name, value)) }
        }
    }

    subscript(name: String) -> String? {
        fields.first { $0.name.description == name }?.value
    }
}
