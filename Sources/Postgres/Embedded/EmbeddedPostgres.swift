/// A PostgreSQL server of our own: the installed programs, a private cluster in a directory, reached only by a unix socket.
///
/// It starts and stops with this process, and is started again if it dies. As it is meant for a fresh checkout as well as for
/// one machine in earnest, it is fully durable. Its log is `postgres.log` in the directory.
package final class EmbeddedPostgres: Sendable {
    /// How libpq reaches it; the same for as long as the directory stays where it is.
    package let conninfo: String

    private let cluster: ClusterDirectory
    private let postmaster: Postmaster
    private let thread: DedicatedThread

    /// Recovery after a crash replays at most `max_wal_size`; this is many times that.
    private static let startSeconds = 300.0

    /// Starts the server, after making its cluster if there is none; returns when it takes calls.
    ///
    /// Blocks for a second or two. A second start in the same directory, from this or another process, throws `inUse`.
    package static func start(
        in directory: String, log: @escaping @Sendable (String) -> Void
    ) throws(EmbeddedPostgresError) -> EmbeddedPostgres {
        let cluster = try ClusterDirectory(holding: directory)
        let binaries = try ServerBinaries.find(forMajorVersion: cluster.majorVersion)
        let account = try ServerAccount.choose(reaching: cluster.path)
        guard ClusterProcesses(clusterName: cluster.clusterName).end() else {
            throw .inUse("a PostgreSQL server left running in \(cluster.path) does not end")
        }
        if cluster.majorVersion == nil {
            log("making a PostgreSQL cluster in \(cluster.path)")
            try cluster.initialize(with: binaries, as: account)
        }
        try account.makePrivateDirectory(cluster.socketDirectory)
        cluster.removeStaleLockFiles()
        let server = EmbeddedPostgres(cluster, binaries, account, log)
        do {
            try server.awaitReady()
            try server.makeDatabase()
        } catch {
            server.stop()
            throw error
        }
        return server
    }

    private init(
        _ cluster: ClusterDirectory, _ binaries: ServerBinaries, _ account: ServerAccount, _ log: @escaping @Sendable (String) -> Void
    ) {
        let settings = ServerSettings(clusterName: cluster.clusterName, socketDirectory: cluster.socketDirectory)
        let command = account.command([binaries.postgres, "-D", cluster.data] + settings.arguments)
        self.cluster = cluster
        conninfo = EmbeddedPostgres.conninfo(cluster.socketDirectory, database: "restante")
        (postmaster, thread) = Postmaster.start(command, in: cluster, log: log)
    }

    deinit {
        stop()
    }

    /// The server's process; nil while it is being started again.
    package var postmasterProcessId: Int32? { postmaster.processId }

    /// The directory that holds its socket, for `psql -h`.
    package var socketDirectory: String { cluster.socketDirectory }

    /// Shuts the server down and waits for it: a checkpoint within 8 s or, failing that, at once. Safe to call twice.
    ///
    /// Sessions that are still open are ended.
    package func stop() {
        postmaster.stop()
        thread.join()
        cluster.removeTemporarySocketDirectory()
        cluster.letGo()
    }

    /// Asks until the server answers. While it recovers from a crash it refuses; that is waited for.
    private func awaitReady() throws(EmbeddedPostgresError) {
        let start = fileSize(cluster.logFile)
        let deadline = Deadline.after(seconds: EmbeddedPostgres.startSeconds)
        var reason = ""
        while Deadline.now < deadline {
            do {
                try openMaintenance().close()
                return postmaster.markReady()
            } catch {
                reason = "\(error)"
            }
            if postmaster.isFinished(within: 0.02) {
                throw .failed("PostgreSQL did not start", logTail: cluster.logTail(after: start))
            }
        }
        throw .failed("PostgreSQL was not ready within \(Int(EmbeddedPostgres.startSeconds)) s: \(reason)", logTail: cluster.logTail(after: start))
    }

    private func makeDatabase() throws(EmbeddedPostgresError) {
        do {
            let connection = try openMaintenance()
            defer { connection.close() }
            let exists = try connection.execute(.databaseExists, [.text("restante")], within: 10)
            if exists.isEmpty { try connection.execute(simple: "CREATE DATABASE restante", within: 60) }
        } catch {
            throw .failed("the database could not be made: \(error)", logTail: "")
        }
    }

    private func openMaintenance() throws(PostgresError) -> Connection {
        try Connection.open(EmbeddedPostgres.conninfo(cluster.socketDirectory, database: "postgres"), within: 5)
    }

    /// Source: libpq manual, "Connection Strings": a value in quotes, in which quotes and backslashes want a backslash.
    static func conninfo(_ socketDirectory: String, database: String) -> String {
        var host = ""
        for character in socketDirectory {
            if character == "'" || character == "\\" { host.append("\\") }
            host.append(character)
        }
        return "host='\(host)' port=5432 user=restante dbname=\(database)"
    }
}

extension Statement {
    fileprivate static let databaseExists = Statement("database_exists", "SELECT 1 FROM pg_database WHERE datname = $1")
}
