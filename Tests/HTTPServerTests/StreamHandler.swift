import Dispatch
import Glibc
import Synchronization

@testable import HTTPServer

/// An application whose uploads and downloads are streams. A gate that is closed keeps its readers, or its source, waiting.
final class StreamHandler: ExchangeHandler {
    let gate = Gate()
    private let noted = Mutex(Notes())

    struct Notes {
        var received = 0
        var largestPiece = 0
        var isRight = true
        var faults: [BodyFault] = []
        var fetches = 0
        var abandoned = 0
        var records: [ExchangeRecord] = []
    }

    var notes: Notes { noted.withLock { $0 } }

    /// Every body of these tests repeats itself after so many bytes; no power of two, so that a piece in the wrong place shows.
    private static let period = 2039
    private static let pattern = (0..<8 << 20).map { UInt8(truncatingIfNeeded: $0 % period) }

    /// Up to 4 MiB of the body, from a place on.
    static func bytes(from index: Int, count: Int) -> [UInt8] {
        Array(pattern[index % period..<index % period + count])
    }

    static func isRight(_ bytes: [UInt8], from index: Int = 0) -> Bool {
        stride(from: 0, to: bytes.count, by: 4 << 20).allSatisfy { start in
            let count = min(4 << 20, bytes.count - start)
            return bytes.withUnsafeBytes { have in
                // Neither is empty, so both have an address.
                pattern.withUnsafeBytes { memcmp(have.baseAddress! + start, $0.baseAddress! + (index + start) % period, count) == 0 }
            }
        }
    }

    static let uploadLimit = 200 << 20

    func admit(_ head: RequestHead) -> Admission {
        let context = TestContext(path: head.path, method: head.method)
        return switch head.path {
        case "/echo": .accept(maxBodyBytes: 1000, context: context)
        case "/short": .stream(maxBodyBytes: 100_000, context: context)
        default: .stream(maxBodyBytes: Self.uploadLimit, context: context)
        }
    }

    func handle(_ exchange: Exchange) {
        guard let context = exchange.context as? TestContext else { return }
        exchange.whenAbandoned { [self] in noted.withLock { $0.abandoned += 1 } }
        switch context.path {
        case "/refuse": exchange.complete(Response(status: 401, body: Array("no".utf8)))
        case "/change":
            Task {
                _ = try? await exchange.nextPiece()
                exchange.complete(Response(status: 507, body: Array("full".utf8)))
            }
        case "/late":
            gate.close()
            Task {
                await gate.pass()
                exchange.complete(Response(status: 507))
            }
        case "/download": exchange.complete(Response(status: 200, stream: source(of: 50_000_000)))
        case "/broken": exchange.complete(Response(status: 200, stream: source(of: 1_000_000, failingAt: 300_000)))
        case "/echo": exchange.complete(Response(status: 200, body: Array("ok".utf8)))
        default: Task { await collect(exchange) }
        }
    }

    private func collect(_ exchange: Exchange) async {
        do throws(BodyFault) {
            await gate.pass()
            while let piece = try await exchange.nextPiece() {
                noted.withLock { notes in
                    notes.isRight = notes.isRight && Self.isRight(piece, from: notes.received)
                    notes.received += piece.count
                    notes.largestPiece = max(notes.largestPiece, piece.count)
                }
                await gate.pass()
            }
            exchange.complete(Response(status: 201, body: Array("\(notes.received)".utf8)))
        } catch {
            noted.withLock { $0.faults.append(error) }
        }
    }

    private struct SourceFault: Error {}

    private func source(of length: Int, failingAt failure: Int = .max) -> BodyStream {
        let sent = Mutex(0)
        return BodyStream(length: length) { [self] in
            await gate.pass()
            noted.withLock { $0.fetches += 1 }
            let position = sent.withLock { $0 }
            guard position < failure else { throw SourceFault() }
            let bytes = Self.bytes(from: position, count: min(length - position, 65_536))
            sent.withLock { $0 += bytes.count }
            return bytes
        }
    }

    func rejection(_ reason: Rejection, of head: RejectedHead) -> (response: Response, context: (any AnyObject & Sendable)?) {
        (Response(status: reason.status), nil)
    }
    func overloaded(context: (any AnyObject & Sendable)?) -> Response { Response(status: 503, body: Array("full".utf8)) }
    func tooLarge(maxBytes: Int, context: any AnyObject & Sendable) -> Response { Response(status: 413, body: Array("\(maxBytes)".utf8)) }
    func draining(context: any AnyObject & Sendable) -> Response { Response(status: 503) }
    func finished(_ record: ExchangeRecord) { noted.withLock { $0.records.append(record) } }
}

/// Lets tasks through, or keeps them until it is opened.
final class Gate: Sendable {
    private let state = Mutex((isOpen: true, waiting: [CheckedContinuation<Void, Never>]()))

    func close() { state.withLock { $0.isOpen = false } }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for task in waiting { task.resume() }
    }

    func pass() async {
        await withCheckedContinuation { task in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(task) }
                return state.isOpen
            }
            if isOpen { task.resume() }
        }
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }
}

/// A server for one test of streams. `body` blocks, so it has a thread of its own: the streams' tasks need those of Swift.
func withStreamServer(
    _ change: (inout ServerConfiguration) -> Void = { _ in }, _ body: @escaping @Sendable (Server, StreamHandler) throws -> Void
) async throws {
    var configuration = ServerConfiguration()
    configuration.port = 0
    configuration.daemonsPerWorker = 2
    change(&configuration)
    let handler = StreamHandler()
    let server = try Server.start(configuration, handler: handler)
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            let result = Result { try body(server, handler) }
            server.stop(within: 0)
            handler.gate.open()
            continuation.resume(with: result)
        }
    }
}
