package import Postgres

/// A session with the configured database for a command that is not the server.
package enum DatabaseAccess {
    /// Runs `body` on a session of its own; where the database is the embedded one, it runs at least as long.
    @discardableResult
    package static func withConnection<T>(_ configuration: Configuration, _ body: (Connection) throws -> T) throws -> T {
        if let url = configuration.databaseURL { return try withConnection(to: url, body) }
        let directory = configuration.embeddedDatabaseDirectory
        let embedded: EmbeddedPostgres
        do {
            embedded = try EmbeddedPostgres.start(in: directory) { _ in }
        } catch .inUse(let reason) {
            // A server at work on this folder runs the database: that is then the one to talk to.
            guard let conninfo = EmbeddedPostgres.runningConninfo(in: directory) else { throw DatabaseUnreachable(reason: reason) }
            return try withConnection(to: conninfo, body)
        }
        defer { embedded.stop() }
        return try withConnection(to: embedded.conninfo, body)
    }

    private static func withConnection<T>(to conninfo: String, _ body: (Connection) throws -> T) throws -> T {
        let connection: Connection
        do {
            connection = try Connection.open(conninfo, settings: Durability.sessionSettings, within: 10)
        } catch {
            throw DatabaseUnreachable(reason: "\(error)")
        }
        defer { connection.close() }
        return try body(connection)
    }
}

/// The configured database did not answer.
package struct DatabaseUnreachable: Error, CustomStringConvertible {
    let reason: String

    package var description: String { "The database cannot be reached: \(reason)" }
}
