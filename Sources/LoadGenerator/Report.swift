internal import FoundationEssentials

/// What a run came to, for people as a table and for programs as JSON.
package protocol Report: Encodable {
    /// The lines of the table: what, and how much.
    var rows: [(name: String, value: String)] { get }
}

extension Report {
    /// The table, names on the left.
    package var table: String {
        let width = rows.map(\.name.count).max() ?? 0
        return rows.map { row in
            row.name + String(repeating: " ", count: width - row.name.count) + "  " + row.value
        }.joined(separator: "\n")
    }

    /// One line of JSON, its names in alphabetical order.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
