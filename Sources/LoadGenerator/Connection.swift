import Glibc

/// Hears what came of the requests made on its connections; called by the event loop.
package protocol ConnectionOwner: AnyObject {
    /// The answer to the request under way. The next request may be made at once.
    func connection(_ connection: Connection, answered status: Int, body: Span<UInt8>)
    /// The connection broke before the answer came. The next request opens it again.
    func connectionLost(_ connection: Connection)
}

/// One keep-alive connection with at most one request under way. It opens itself when a request needs it.
package final class Connection {
    /// For the owner's use: which of its devices or sends this connection serves at the moment.
    package var tag = 0
    package var owner: any ConnectionOwner
    package private(set) var isBusy = false

    private unowned let loop: EventLoop
    private let number: Int
    private var descriptor: Int32 = -1
    private var output: [UInt8] = []
    private var written = 0
    private var input: [UInt8] = []
    private var parser = ResponseParser()

    init(loop: EventLoop, number: Int, owner: any ConnectionOwner) {
        self.loop = loop
        self.number = number
        self.owner = owner
    }

    deinit {
        close()
    }

    /// Makes a request, which `write` appends to the given buffer. None may be under way.
    package func request(_ write: (inout [UInt8]) -> Void) {
        precondition(!isBusy, "a connection carries one request at a time")
        isBusy = true
        write(&output)
        if descriptor < 0, !open() {
            loop.reportBroken(self)
            return
        }
        if !flush() { loop.reportBroken(self) }
    }

    /// Reads and writes what the socket is ready for.
    func serve(isClosing: Bool) {
        guard descriptor >= 0 else { return }
        if written < output.count, !flush() { return fail() }
        receive(toEnd: isClosing)
    }

    /// Closes the socket, and tells the owner if it was waiting for an answer.
    func fail() {
        close()
        guard isBusy else { return }
        isBusy = false
        owner.connectionLost(self)
    }

    /// Closes the socket and forgets the request under way.
    func discard() {
        close()
        isBusy = false
    }

    private func open() -> Bool {
        descriptor = socket(loop.server.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        return loop.server.connect(descriptor) && loop.watch(descriptor, number: number)
    }

    private func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
        output.removeAll(keepingCapacity: true)
        written = 0
        input.removeAll()
        parser = ResponseParser()
    }

    /// Writes what the socket takes; the rest goes when it says that it is ready. False where it is broken.
    private func flush() -> Bool {
        while written < output.count {
            let count = output.withUnsafeBytes { bytes in
                send(descriptor, UnsafeRawBufferPointer(rebasing: bytes[written...]).baseAddress, bytes.count - written, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                // ENOTCONN does not occur: a socket that still connects answers EAGAIN.
                return errno == EAGAIN || errno == EINTR
            }
            written += count
        }
        output.removeAll(keepingCapacity: true)
        written = 0
        return true
    }

    /// Reads until the socket is empty. A short read is its end too, unless the peer has closed behind it (epoll(7), question 9).
    private func receive(toEnd: Bool) {
        while descriptor >= 0 {
            let capacity = loop.received.count
            let count = loop.received.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, capacity, 0) }
            if count < 0 {
                if errno == EINTR { continue }
                if errno != EAGAIN { fail() }
                return
            }
            guard count > 0, take(count) else { return fail() }
            if count < capacity, !toEnd { return }
        }
    }

    /// Hands on the response that the received bytes complete, if they do. False where they are not what was asked for.
    private func take(_ count: Int) -> Bool {
        let received = loop.received
        guard !input.isEmpty else { return take(received.span.extracting(..<count)) }
        var whole: [UInt8] = []
        swap(&whole, &input)
        whole.append(contentsOf: received[..<count])
        return take(whole.span)
    }

    private func take(_ bytes: Span<UInt8>) -> Bool {
        guard isBusy else { return false }
        switch parser.parse(bytes) {
        case .malformed: return false
        case .incomplete:
            bytes.withUnsafeBufferPointer { input.append(contentsOf: $0) }
            return true
        case .complete(let response):
            // One request, one response: bytes behind it have no meaning.
            guard response.length == bytes.count else { return false }
            isBusy = false
            if response.closesConnection { close() }
            owner.connection(self, answered: response.status, body: bytes.extracting(response.body))
            return true
        }
    }
}
