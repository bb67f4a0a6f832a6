/// The migrations and what became of them, for `migrate status`: one line for each, ascending by version.
package struct MigrationReport: CustomStringConvertible {
    private let applied: [AppliedMigration]
    private let known: [Migration]

    package init(applied: [AppliedMigration], known: [Migration]) {
        self.applied = applied
        self.known = known
    }

    package var description: String {
        let appliedByVersion = Dictionary(uniqueKeysWithValues: applied.map { ($0.version, $0) })
        let knownByVersion = Dictionary(uniqueKeysWithValues: known.map { ($0.version, $0) })
        let rows = Set(appliedByVersion.keys).union(knownByVersion.keys).sorted().map { version in
            row(applied: appliedByVersion[version], known: knownByVersion[version])
        }
        return TextTable(header: ["STATE", "MIGRATION", "APPLIED AT"], rows: rows).description
    }

    private func row(applied: AppliedMigration?, known: Migration?) -> [String] {
        let state =
            switch (applied, known) {
            case (nil, _): "pending"
            case (_, nil): "unknown"
            case (.some(let applied), .some(let known)): applied.checksum == known.checksum ? "applied" : "edited"
            }
        return [state, known?.name ?? applied?.name ?? "", applied?.appliedAt.description ?? "-"]
    }
}
