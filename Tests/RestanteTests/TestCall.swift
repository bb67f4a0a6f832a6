import HTTPServer
import JSON
import Logging
import Postgres

@testable import Restante

extension Restante.Call {
    /// A request that came over no socket.
    static func test(body: String = "", query: [(name: String, value: String)] = []) -> Restante.Call {
        Restante.Call(Admitted(route: nil, requestId: "test", client: .loopback, query: query), body: Array(body.utf8), caller: nil)
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension SweepFailures {
    static var silent: SweepFailures { SweepFailures(metrics: Metrics(), logger: .silent) }
}

extension PeerAddress {
    static var loopback: PeerAddress {
        // Four bytes are always an address.
        PeerAddress(bytes: [127, 0, 0, 1]).unsafelyUnwrapped
    }
}

extension Problem {
    /// Where the faults are: JSON Pointers, or `?` and the name of a query parameter.
    var places: [String] {
        faults.map { fault in
            switch fault.place {
            case .member(let pointer): pointer.description
            case .parameter(let name): "?" + name
            }
        }
    }
}
