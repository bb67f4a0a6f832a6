import Dispatch
import Glibc
import Postgres
import Synchronization

/// The lines on their way to the log: a megabyte of them at most, written by a thread of its own.
///
/// Standard error may be a pipe whose reader stands still, and who writes to it then stands still as well. Those who have something to tell are
/// the threads that serve, so they leave it here. What does not fit, or cannot be written, is dropped and counted.
final class LogLines: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        var dropped = 0
        var isClosed = false
    }

    private let descriptor: Int32
    private let capacity: Int
    private let state = Mutex(State())
    private let bell = DispatchSemaphore(value: 0)
    private let end = DispatchSemaphore(value: 0)

    /// - Parameter capacity: bytes that wait; as many may be on their way.
    init(descriptor: Int32 = STDERR_FILENO, capacity: Int = 1 << 20) {
        self.descriptor = descriptor
        self.capacity = capacity
        _ = DedicatedThread(name: "log") { [self] in run() }
    }

    /// How many lines were lost.
    var dropped: Int { state.withLock { $0.dropped } }

    /// Takes a line with its end. Never waits.
    func put(_ line: [UInt8]) {
        let isFirst = state.withLock { state in
            guard !state.isClosed, line.count <= capacity - state.waiting.count else {
                state.dropped += 1
                return false
            }
            state.waiting += line
            return state.waiting.count == line.count
        }
        if isFirst { bell.signal() }
    }

    /// Has what waits written; whoever reads it gets so many seconds. Nothing is taken any more.
    func close(within seconds: Double = 2) {
        state.withLock { $0.isClosed = true }
        bell.signal()
        if end.wait(timeout: .now() + seconds) == .success { end.signal() }
    }

    private func run() {
        var lines: [UInt8] = []
        var isClosed = false
        while !isClosed {
            bell.wait()
            lines.removeAll(keepingCapacity: true)
            state.withLock { state in
                swap(&state.waiting, &lines)
                isClosed = state.isClosed
            }
            write(lines)
        }
        end.signal()
    }

    private func write(_ lines: [UInt8]) {
        var rest = lines[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&event, 1, 1000)
            } else if errno != EINTR {
                let lost = rest.count { $0 == UInt8(ascii: "\n") }
                return state.withLock { $0.dropped += lost }
            }
        }
    }
}
