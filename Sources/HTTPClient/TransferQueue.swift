internal import CLibcurl
import Synchronization

/// One request, ready for the thread.
struct TransferOrder: Sendable {
    let number: UInt64
    let url: RequestURL
    let request: HTTPRequest
    /// Called exactly once, on the thread or, when the client is closed, where the order was put.
    let finish: @Sendable (TransferOutcome) -> Void
}

/// What other threads want of the transfers' thread.
enum TransferCommand: Sendable {
    case start(TransferOrder)
    /// Unknown numbers are of transfers that have ended.
    case cancel(UInt64)
}

/// The line before the transfers' thread, and the bell that wakes it.
final class TransferQueue: Sendable {
    private struct State {
        var commands: [TransferCommand] = []
        var isClosed = false
    }

    let multi = MultiHandle()
    private let state = Mutex(State())

    func put(_ command: TransferCommand) {
        let isRefused = state.withLock { state in
            guard !state.isClosed else { return true }
            state.commands.append(command)
            return false
        }
        if isRefused {
            if case .start(let order) = command { order.finish(.failure(.cancelled)) }
        } else {
            multi.wake()
        }
    }

    /// Everything put since the last call; nil once it is closed, after the last commands were taken.
    func take() -> [TransferCommand]? {
        state.withLock { state in
            if state.isClosed && state.commands.isEmpty { return nil }
            defer { state.commands = [] }
            return state.commands
        }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        multi.wake()
    }
}
