/// Rows in columns wide enough for their longest text, two spaces between them, for people at a terminal.
package struct TextTable: CustomStringConvertible {
    package let header: [String]
    package let rows: [[String]]

    package init(header: [String], rows: [[String]]) {
        self.header = header
        self.rows = rows
    }

    package var description: String {
        let lines = [header] + rows
        let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            line.indices.map { column in
                // The last column is not padded: trailing spaces only wrap.
                column == line.indices.last ? line[column] : line[column] + String(repeating: " ", count: widths[column] - line[column].count)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
