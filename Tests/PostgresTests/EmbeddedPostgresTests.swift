import Glibc
import Synchronization
import Testing

@testable import Postgres

@Suite struct EmbeddedPostgresTests {
    private let show = Statement("show", "SELECT current_setting($1)")

    private func start(_ directory: String) throws -> EmbeddedPostgres {
        try EmbeddedPostgres.start(in: directory) { _ in }
    }

    private func withDirectory(_ body: (String) throws -> Void) rethrows {
        let directory = temporaryDirectory()
        defer { removeTree(directory) }
        try body(directory)
    }

    @Test func theClusterIsChecksummedAndDurable() throws {
        let connection = try TestServer.connect()
        for name in ["data_checksums", "fsync", "full_page_writes", "synchronous_commit"] {
            #expect(try connection.execute(show, [.text(name)])[0].text(0) == "on", "\(name)")
        }
        #expect(try connection.execute(show, [.text("server_encoding")])[0].text(0) == "UTF8")
        #expect(try connection.execute(show, [.text("listen_addresses")])[0].text(0) == "")
    }

    @Test func aSecondStartInTheSameDirectorySaysThatItIsInUse() throws {
        try withDirectory { directory in
            let server = try start(directory)
            defer { server.stop() }
            #expect { try start(directory) } throws: { error in
                guard case .inUse(let reason)? = error as? EmbeddedPostgresError else { return false }
                return reason.contains(directory)
            }
        }
    }

    @Test func dataOutliveAStopAndAKilledServer() throws {
        try withDirectory { directory in
            do {
                let server = try start(directory)
                let connection = try Connection.open(server.conninfo, within: 5)
                try connection.execute(simple: "CREATE TABLE kept AS SELECT 42::int AS answer", within: 5)
                server.stop()
                #expect(server.postmasterProcessId == nil)
            }
            let server = try start(directory)
            defer { server.stop() }
            let killed = try #require(server.postmasterProcessId)
            kill(killed, SIGKILL)
            #expect(eventually(within: 20) { server.postmasterProcessId != nil && server.postmasterProcessId != killed })
            var connection: Connection?
            _ = eventually(within: 20) {
                connection = try? Connection.open(server.conninfo, within: 1)
                return connection != nil
            }
            let back = try #require(connection)
            #expect(try back.execute(Statement("kept", "SELECT answer FROM kept"))[0].int32(0) == 42)
        }
    }

    /// The number in a stale lock file may by now be that of a living process of the same user.
    @Test func aStaleProcessNumberDoesNotKeepTheServerFromStarting() throws {
        try withDirectory { directory in
            do { try start(directory).stop() }
            let account = try ServerAccount.choose(reaching: directory)
            let bystander = try #require(ChildProcess.spawn(account.command(["/bin/sleep", "600"]), output: 2))
            defer {
                kill(bystander, SIGKILL)
                waitpid(bystander, nil, 0)
            }
            let text = "\(bystander)\n\(directory)/data\n1\n5432\n\(directory)/socket\n\n"
            let file = open(directory + "/data/postmaster.pid", O_WRONLY | O_CREAT, 0o600)
            #expect(write(file, text, text.utf8.count) == text.utf8.count)
            close(file)
            chown(directory + "/data/postmaster.pid", account.user, account.group)
            let server = try start(directory)
            defer { server.stop() }
            #expect(kill(bystander, 0) == 0)
            #expect(server.postmasterProcessId != nil)
        }
    }

    @Test func aDirectoryBelowALockedOneWorks() throws {
        try withDirectory { locked in
            chmod(locked, 0o700)
            let server = try start(locked + "/a b'c/postgres")
            defer { server.stop() }
            #expect(try Connection.open(server.conninfo, within: 5).execute(show, [.text("fsync")]).count == 1)
        }
    }

    @Test func aPathTooLongForASocketWorks() throws {
        try withDirectory { directory in
            let server = try start(directory + "/" + String(repeating: "long", count: 30))
            #expect(server.socketDirectory.hasPrefix("/tmp/restante-"))
            #expect(try Connection.open(server.conninfo, within: 5).execute(show, [.text("fsync")]).count == 1)
            server.stop()
            #expect(!fileExists(server.socketDirectory))
        }
    }

    @Test func aServerThatCannotStartSaysWhyItsLogSays() throws {
        try withDirectory { directory in
            do { try start(directory).stop() }
            #expect(truncate(directory + "/data/global/pg_control", 10) == 0)
            #expect { try start(directory) } throws: { "\($0)".contains("pg_control") }
        }
    }

    @Test func aServerLeftRunningIsEndedBeforeTheNextStarts() throws {
        try withDirectory { directory in
            do { try start(directory).stop() }
            // Started as by a process that was killed: nobody holds the lock, nobody waits for it.
            let cluster = try ClusterDirectory(holding: directory)
            let account = try ServerAccount.choose(reaching: directory)
            let settings = ServerSettings(clusterName: cluster.clusterName, socketDirectory: cluster.socketDirectory)
            let command = [try ServerBinaries.find(forMajorVersion: nil).postgres, "-D", cluster.data] + settings.arguments
            let output = try cluster.openLog()
            defer { close(output) }
            let left = try #require(ChildProcess.spawn(account.command(command), output: output))
            #expect(eventually(within: 10) { fileExists(cluster.socketDirectory + "/.s.PGSQL.5432") })
            // Reaped as it ends, as the system would: a zombie still has its number.
            let reaper = DedicatedThread(name: "reaper") { waitpid(left, nil, 0) }
            #expect(ClusterProcesses(clusterName: cluster.clusterName).end())
            reaper.join()
            #expect(kill(left, 0) == -1)
        }
    }

    /// As the thread ends with its process, whatever kills that, so does the server.
    @Test func whatAThreadStartsIsInterruptedWhenItEnds() throws {
        let account = try ServerAccount.choose(reaching: "/tmp")
        let started = Mutex<pid_t?>(nil)
        let thread = DedicatedThread(name: "starter") {
            let process = ChildProcess.spawn(account.command(["/bin/sleep", "600"]), output: 2)
            started.withLock { $0 = process }
            // Before this, the end of the thread would go unnoticed: setpriv has yet to ask for the signal.
            _ = eventually(within: 5) { process.flatMap { readFile("/proc/\($0)/comm") } == Array("sleep\n".utf8) }
        }
        thread.join()
        let process = try #require(started.withLock { $0 })
        var status: Int32 = 0
        #expect(eventually(within: 5) { waitpid(process, &status, WNOHANG) == process })
        #expect(status & 0x7f == SIGINT)
    }
}
