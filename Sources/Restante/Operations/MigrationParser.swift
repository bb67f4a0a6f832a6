extension Migration {
    /// Reads one migration file in the form that dbmate reads too.
    package static func parse(file: String, contents: [UInt8]) throws(MigrationFileError) -> Migration {
        let (version, name) = try parseName(file)
        guard let text = String(validating: contents, as: UTF8.self) else {
            throw MigrationFileError(file: file, line: nil, reason: "is not UTF-8")
        }
        var parser = MigrationParser(file: file)
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            try parser.take(line, number: index + 1)
        }
        let sections = try parser.finish()
        return Migration(version: version, name: name, up: sections.up, down: sections.down)
    }

    /// `0001_accounts.sql` is version 1; the name holds lower-case letters, digits and underscores.
    private static func parseName(_ file: String) throws(MigrationFileError) -> (version: Int, name: String) {
        let stem = file.hasSuffix(".sql") ? String(file.dropLast(4)) : ""
        let digits = stem.prefix { $0.isASCII && $0.isNumber }
        guard digits.count >= 4, let version = Int(digits), version > 0, isName(stem.dropFirst(digits.count)) else {
            throw MigrationFileError(
                file: file, line: nil, reason: "a migration is named NNNN_name.sql, in lower-case letters, digits and underscores")
        }
        return (version, stem)
    }

    private static func isName(_ text: Substring) -> Bool {
        text.first == "_" && text.count > 1 && text.allSatisfy { $0 == "_" || ($0.isASCII && ($0.isNumber || $0.isLowercase)) }
    }
}

/// Divides a migration file at its two marks.
private struct MigrationParser {
    private enum Place { case head, up, down }

    private let file: String
    private var place = Place.head
    private var up: (line: Int, sql: [Substring])?
    private var down: (line: Int, sql: [Substring])?

    init(file: String) {
        self.file = file
    }

    mutating func take(_ line: Substring, number: Int) throws(MigrationFileError) {
        let content = line.filter { $0 != "\r" && $0 != "\t" && $0 != " " }
        switch content {
        case "--migrate:up":
            guard place == .head else { throw fault("a second -- migrate:up", number) }
            place = .up
            up = (number + 1, [])
        case "--migrate:down":
            guard place == .up else { throw fault("-- migrate:down stands once, after -- migrate:up", number) }
            place = .down
            down = (number + 1, [])
        case _ where content.hasPrefix("--migrate:"):
            throw fault("the marks are -- migrate:up and -- migrate:down, without options: every migration is one transaction", number)
        default:
            try takeSQL(line, content: content, number: number)
        }
    }

    func finish() throws(MigrationFileError) -> (up: MigrationSection, down: MigrationSection?) {
        guard let up else { throw fault("there is no line -- migrate:up", nil) }
        guard up.sql.contains(where: isStatement) else { throw fault("nothing follows -- migrate:up", up.line - 1) }
        return (section(up), down.flatMap { $0.sql.contains(where: isStatement) ? section($0) : nil })
    }

    private mutating func takeSQL(_ line: Substring, content: String, number: Int) throws(MigrationFileError) {
        // The runner's own transaction must end where the runner says, or half a migration could stay.
        if ["BEGIN;", "COMMIT;", "ROLLBACK;", "STARTTRANSACTION;"].contains(content.uppercased()) {
            throw fault("a migration is one transaction and neither opens nor ends one itself", number)
        }
        switch place {
        case .head:
            guard content.isEmpty || content.hasPrefix("--") else { throw fault("SQL before -- migrate:up", number) }
        case .up: up?.sql.append(line)
        case .down: down?.sql.append(line)
        }
    }

    private func isStatement(_ line: Substring) -> Bool {
        let trimmed = line.drop { $0.isWhitespace }
        return !trimmed.isEmpty && !trimmed.hasPrefix("--")
    }

    private func section(_ part: (line: Int, sql: [Substring])) -> MigrationSection {
        MigrationSection(sql: part.sql.joined(separator: "\n"), firstLine: part.line)
    }

    private func fault(_ reason: String, _ line: Int?) -> MigrationFileError {
        MigrationFileError(file: file, line: line, reason: reason)
    }
}
