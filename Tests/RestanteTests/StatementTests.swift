import Foundation
import Postgres
import Testing

@testable import Restante

/// All SQL of the application against the real schema: a statement that nobody tries is one that fails in production.
@Suite struct StatementTests {
    /// The registries of the features. What belongs to the schema's own care (`extension Statement`) has none.
    private static let registered = [
        AccountRemovalStore.statements,
        AudienceStore.statements,
        BlockStore.statements,
        CallStatements.all,
        ChatStore.statements,
        ContactStore.statements,
        CorrespondenceStore.statements,
        DeviceStore.statements,
        ExpiryStatements.all,
        EncryptedSendStatements.all,
        InboxSampling.statements,
        GroupStatements.all,
        Health.statements,
        InviteStore.statements,
        InboxStatements.all,
        InboxStore.statements,
        KeyStatements.all,
        MediaStatements.all,
        OneTimePasswordStore.statements,
        PresenceStore.statements,
        OTPBudgetStore.statements,
        PushTokenStore.statements,
        ReadReceiptStore.statements,
        ResumableUploadStore.statements,
        Retention.statements,
        SessionStore.statements,
        UserStore.statements,
        WakeUpStore.statements,
    ].flatMap { $0 }

    @Test func everyStatementOfTheSourceIsPreparedAgainstTheSchema() throws {
        let database = try PopulatedDatabase()
        let found = try SourceStatement.all()
        #expect(found.count > 60)
        for statement in found {
            #expect(throws: Never.self, "\(statement.name) in \(statement.file)") {
                try database.connection.execute(simple: #"PREPARE "\#(statement.name)" AS \#(statement.sql)"#, within: 10)
            }
        }
    }

    @Test func theRegistriesHoldEveryStatementOfTheFeatures() throws {
        let found = try SourceStatement.all()
        let ofFeatures = Set(found.filter { !$0.isOfSchemaCare }.map(\.name))
        let registered = Set(Self.registered.map(\.name))
        #expect(ofFeatures.subtracting(registered) == [], "in the source, and in no registry")
        #expect(registered.subtracting(ofFeatures) == [], "in a registry, and not found in the source")
    }

    @Test func theSourceIsReadAsTheCompilerReadsIt() throws {
        let texts = Dictionary(try SourceStatement.all().map { ($0.name, $0.sql) }) { first, _ in first }
        #expect(Self.registered.filter { texts[$0.name] != $0.sql }.map(\.name) == [])
    }

    @Test func noNameStandsForTwoStatements() throws {
        let names = try SourceStatement.all().map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.utf8.count < 64 }, "PostgreSQL cuts longer names")
    }
}

/// A `Statement("name", "sql")` as it stands in the application's source.
private struct SourceStatement {
    let name: String
    let sql: String
    let file: String
    /// Whether it is for migrations, for the doctor, or for the checks before the start.
    let isOfSchemaCare: Bool

    static func all() throws -> [SourceStatement] {
        let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let sources = project.appending(path: "Sources/Restante").resolvingSymlinksInPath()
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)).compactMap { $0 as? URL }
        return try files.filter { $0.pathExtension == "swift" }.flatMap { file -> [SourceStatement] in
            let text = try String(contentsOf: file, encoding: .utf8)
            let found = statements(in: text, file: file.lastPathComponent)
            // Nothing that looks like one may escape the pattern.
            let calls = text.matches(of: /\bStatement\(\s*["A-Za-z]/).count
            guard calls == found.count else { throw Unread(file: file.lastPathComponent, calls: calls, found: found.count) }
            return found
        }
    }

    private static func statements(in text: String, file: String) -> [SourceStatement] {
        let pattern = /\bStatement\(\s*"(?<name>[^"]+)",\s*(?:"""\n(?<lines>[\s\S]*?)\n(?<indent> *)"""|"(?<line>(?:[^"\\]|\\.)+)")\s*\)/
        return text.matches(of: pattern).map { match in
            let sql: String
            if let lines = match.output.lines, let indent = match.output.indent {
                sql = lines.split(separator: "\n", omittingEmptySubsequences: false).map { String($0.dropFirst(indent.count)) }.joined(
                    separator: "\n")
            } else {
                sql = String(match.output.line ?? "")
            }
            let before = text[..<match.range.lowerBound]
            return SourceStatement(name: String(match.output.name), sql: sql, file: file, isOfSchemaCare: before.contains("\nextension Statement {"))
        }
    }

    private struct Unread: Error {
        let file: String
        let calls: Int
        let found: Int
    }
}
