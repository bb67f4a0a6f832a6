import Foundation
import Postgres

/// An empty database of a test's own, on one embedded PostgreSQL that all tests of the process share.
final class TestDatabase: Sendable {
    let name: String
    let conninfo: String

    init() throws {
        let server = try TestServer.shared.get()
        name = "test_" + String(UInt64.random(in: .min ... .max), radix: 36)
        let connection = try Connection.open(server.conninfo, within: 10)
        defer { connection.close() }
        try connection.execute(simple: "CREATE DATABASE \(name)", within: 60)
        // Of a keyword given twice libpq takes the last.
        conninfo = server.conninfo + " dbname=\(name)"
    }

    func open() throws -> Connection {
        try Connection.open(conninfo, within: 10)
    }
}

/// The server of the process's tests: started by the first that asks, stopped when the process ends.
private enum TestServer {
    static let shared: Result<EmbeddedPostgres, any Error> = Result {
        let folder = "/tmp/rt-server-\(getpid())"
        let server = try EmbeddedPostgres.start(in: folder) { _ in }
        atexit(stopTestServer)
        return server
    }
}

private func stopTestServer() {
    guard case .success(let server) = TestServer.shared else { return }
    server.stop()
    try? FileManager.default.removeItem(atPath: "/tmp/rt-server-\(getpid())")
}
