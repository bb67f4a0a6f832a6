/// A response's body between the application that reads it from somewhere and the worker that sends it.
///
/// While one piece is being sent, the next is fetched; no more than these two are in memory. Where the client is quicker than the
/// source, the connection is paused until the piece is there.
struct OutgoingFlow {
    /// What the worker gets.
    enum Supply: Equatable {
        case copied(Int)
        /// Nothing yet; the connection has to be paused.
        case wait
        /// The source has failed, or ended early.
        case failed
    }

    private var sending: ArraySlice<UInt8> = []
    private var ahead: [UInt8] = []
    /// Bytes that were not fetched yet.
    private var unfetched: Int
    private var isFetching = false
    private var isWaiting = false
    private var hasFailed = false

    init(length: Int) {
        unfetched = length
    }

    /// Fills the buffer as far as it can.
    mutating func copy(into buffer: UnsafeMutableRawBufferPointer) -> Supply {
        if sending.isEmpty {
            sending = ahead[...]
            ahead = []
        }
        guard !sending.isEmpty else {
            isWaiting = !hasFailed
            return hasFailed ? .failed : .wait
        }
        let count = min(buffer.count, sending.count)
        buffer.copyBytes(from: sending.prefix(count))
        sending = sending.dropFirst(count)
        return .copied(count)
    }

    /// Whether a fetch has to be started now; if so, it has been noted as started.
    mutating func startsFetch() -> Bool {
        guard !isFetching, !hasFailed, ahead.isEmpty, unfetched > 0 else { return false }
        isFetching = true
        return true
    }

    /// A fetch is over; nil: it failed. True: the connection is paused for it and can go on.
    mutating func fetched(_ bytes: [UInt8]?) -> Bool {
        isFetching = false
        if let bytes, !bytes.isEmpty, bytes.count <= unfetched {
            ahead = bytes
            unfetched -= bytes.count
        } else {
            hasFailed = true
        }
        defer { isWaiting = false }
        return isWaiting
    }

    /// Nobody wants the rest.
    mutating func close() {
        sending = []
        ahead = []
        unfetched = 0
        hasFailed = true
        isWaiting = false
    }
}
