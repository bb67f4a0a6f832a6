import Testing

@testable import Restante

@Suite struct MigrationStateTests {
    private let known = [1, 2, 3].map(migration)

    @Test func aDatabaseWithEveryMigrationIsCurrent() {
        #expect(SchemaState(applied: known.map(applied), known: known).refusal == nil)
    }

    @Test func anOlderDatabaseIsRefusedWithWhatIsPending() throws {
        let state = SchemaState(applied: [applied(known[0])], known: known)
        guard case .older(let pending) = state else { throw Unexpected(state: state) }
        #expect(pending.map(\.version) == [2, 3])
        let refusal = try #require(state.refusal)
        #expect(refusal.contains("0002_m") && refusal.contains("0003_m") && !refusal.contains("0001_m"))
        #expect(refusal.contains("restante migrate up"))
    }

    @Test func anEmptyDatabaseIsOlder() throws {
        let state = SchemaState(applied: [], known: known)
        guard case .older(let pending) = state else { throw Unexpected(state: state) }
        #expect(pending.count == 3)
    }

    @Test func aMigrationOfANewerProgramIsRefused() throws {
        let state = SchemaState(applied: (known + [Self.migration(4)]).map(applied), known: known)
        guard case .newer(let unknown) = state else { throw Unexpected(state: state) }
        #expect(unknown.map(\.name) == ["0004_m"])
        #expect(state.refusal?.contains("0004_m") == true)
    }

    @Test func anEditedMigrationIsNamedEvenIfOthersArePending() throws {
        let edit = AppliedMigration(version: 2, name: "0002_m", checksum: "other", appliedAt: Timestamp(milliseconds: 0))
        let state = SchemaState(applied: [applied(known[0]), edit], known: known)
        guard case .edited(let migrations) = state else { throw Unexpected(state: state) }
        #expect(migrations.map(\.version) == [2])
        #expect(state.refusal?.contains("0002_m") == true)
    }

    @Test func theReportHasALineForEveryMigration() {
        let edit = AppliedMigration(version: 2, name: "0002_m", checksum: "other", appliedAt: Timestamp(milliseconds: 0))
        let unknown = AppliedMigration(version: 9, name: "0009_m", checksum: "x", appliedAt: Timestamp(milliseconds: 0))
        let lines = MigrationReport(applied: [applied(known[0]), edit, unknown], known: known).description.split(separator: "\n").dropFirst()
        #expect(
            lines.map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
                == ["applied 0001_m", "edited 0002_m", "pending 0003_m", "unknown 0009_m"])
        #expect(lines.first?.contains("1970-01-01T00:00:00.000Z") == true)
    }

    private struct Unexpected: Error {
        let state: SchemaState
    }

    private static func migration(_ version: Int) -> Migration {
        Migration(version: version, name: "000\(version)_m", up: MigrationSection(sql: "SELECT \(version);", firstLine: 1), down: nil)
    }

    private func applied(_ migration: Migration) -> AppliedMigration {
        AppliedMigration(version: migration.version, name: migration.name, checksum: migration.checksum, appliedAt: Timestamp(milliseconds: 0))
    }
}
