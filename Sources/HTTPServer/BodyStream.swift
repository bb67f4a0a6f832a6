import Synchronization

/// A response's body that is not all in memory: its length, and where its pieces come from.
package struct BodyStream: Sendable {
    package let length: Int
    /// The next piece: neither empty nor more than what is left. Called for one piece at a time, not on a thread of the server, and no more
    /// once the client is gone. An error ends the connection, so that the client sees that the body is not whole.
    let next: @Sendable () async throws -> [UInt8]

    package init(length: Int, next: @escaping @Sendable () async throws -> [UInt8]) {
        self.length = length
        self.next = next
    }
}

/// A `BodyStream` on its way out: emptied by the worker, filled by tasks.
final class OutgoingBody: Sendable {
    private let stream: BodyStream
    private let flow: Mutex<OutgoingFlow>
    /// Wakes the worker where the connection was paused.
    private let proceed: @Sendable () -> Void

    init(_ stream: BodyStream, proceed: @escaping @Sendable () -> Void) {
        self.stream = stream
        self.proceed = proceed
        flow = Mutex(OutgoingFlow(length: stream.length))
    }

    func copy(into buffer: UnsafeMutableRawBufferPointer) -> OutgoingFlow.Supply {
        let (supply, startsFetch) = flow.withLock { flow in
            let supply = flow.copy(into: buffer)
            return (supply, flow.startsFetch())
        }
        if startsFetch { fetch() }
        return supply
    }

    func close() {
        flow.withLock { $0.close() }
    }

    private func fetch() {
        Task {
            let bytes = try? await stream.next()
            let (isWanted, startsFetch) = flow.withLock { flow in
                let isWanted = flow.fetched(bytes)
                return (isWanted, flow.startsFetch())
            }
            if startsFetch { fetch() }
            if isWanted { proceed() }
        }
    }
}
