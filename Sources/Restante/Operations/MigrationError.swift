/// Why a migration command did not do what it was asked for; nothing of the migration it names is left in the database.
package enum MigrationError: Error, CustomStringConvertible {
    /// The database does not fit the migrations at hand; the text says how and what to do.
    case refused(String)
    /// PostgreSQL refused a statement; `line` is the file's, where PostgreSQL named one.
    case failed(file: String, line: Int?, reason: String)
    /// The commit was under way when the session was lost.
    case unknownOutcome(file: String)
    case irreversible(file: String)
    /// `--to` names no applied version.
    case noSuchVersion(Int)

    package var description: String {
        switch self {
        case .refused(let reason): reason
        case .failed(let file, let line, let reason): "\(file)\(line.map { ":\($0)" } ?? "") failed and was undone: \(reason)"
        case .unknownOutcome(let file): "\(file): the session was lost during COMMIT; run: restante migrate status"
        case .irreversible(let file): "\(file) has no -- migrate:down section"
        case .noSuchVersion(let version): "No applied migration has version \(version); 0 undoes all"
        }
    }
}
