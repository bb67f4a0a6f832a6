import Glibc
import Testing

@testable import Postgres

/// One private server for all tests of this process, in a short temporary directory, removed at exit.
enum TestServer {
    private static let started: Result<EmbeddedPostgres, EmbeddedPostgresError> = {
        let directory = temporaryDirectory()
        do throws(EmbeddedPostgresError) {
            let server = try EmbeddedPostgres.start(in: directory) { print("postgres: \($0)") }
            keepForExit(server, directory)
            return .success(server)
        } catch {
            return .failure(error)
        }
    }()

    static func conninfo() throws -> String {
        try started.get().conninfo
    }

    static func connect(settings: [String] = []) throws -> Connection {
        try Connection.open(conninfo(), settings: settings, within: 5)
    }

    static func socketPath() throws -> String {
        try started.get().socketDirectory + "/.s.PGSQL.5432"
    }
}

func temporaryDirectory() -> String {
    var template = Array("/tmp/restante-test-XXXXXX".utf8CString)
    let made = mkdtemp(&template).map { String(cString: $0) }
    // Without a directory no test can run; this is the test process.
    guard let made else { fatalError("mkdtemp: errno \(errno)") }
    chmod(made, 0o711)
    return made
}

func removeTree(_ directory: String) {
    _ = ChildProcess.run(["/bin/rm", "-rf", "--", directory], output: 2)
}

nonisolated(unsafe) private var serverAtExit: (server: EmbeddedPostgres, directory: String)?  // Written once, read at exit.

private func keepForExit(_ server: EmbeddedPostgres, _ directory: String) {
    serverAtExit = (server, directory)
    atexit {
        serverAtExit?.server.stop()
        if let directory = serverAtExit?.directory { removeTree(directory) }
    }
}

/// Asks again until the condition holds; false when it does not within `seconds`.
func eventually(within seconds: Double, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Deadline.after(seconds: seconds)
    while try !condition() {
        guard Deadline.now < deadline else { return false }
        usleep(10_000)
    }
    return true
}

func elapsed(_ body: () throws -> Void) rethrows -> Double {
    let start = Deadline.now
    try body()
    return Double(Deadline.now.nanoseconds - start.nanoseconds) / 1e9
}
