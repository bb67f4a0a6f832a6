internal import CMicrohttpd
import Glibc

/// One client's connection, and the request that is on it. Used on the worker's thread only. `Connection+Streaming` is what streams need.
final class Connection {
    let slot: Int
    let descriptor: Int32
    let peer: PeerAddress
    let daemon: Int
    /// libmicrohttpd's name for it.
    let handle: OpaquePointer
    /// The server ended it: a deadline passed, or a body was endless.
    var isCut = false
    /// The number of the watch for its peer's hanging up.
    var watch: UInt32 = 0
    /// Suspended until the other end of its stream has caught up.
    var isPaused = false
    var window = ProgressWindow()
    let worker: Worker
    var progress = Progress.idle
    /// Bytes of body.
    var received = 0
    /// The exchange of the request that is on it, until the request is over.
    private(set) var exchange: Exchange?
    /// The answer that is being sent, where it is a stream.
    private(set) var outgoing: OutgoingStream?
    private var startedAt: Int64 = 0
    private var context: (any AnyObject & Sendable)?
    private var status = 0
    private var responseBytes = 0
    private var isSentDirectly = false
    private var isHead = false

    /// How far the request has come.
    enum Progress {
        case idle
        /// The request line has been read.
        case line(Result<RequestTarget, Rejection>)
        /// The body is being collected.
        case receiving(Exchange, limit: Int, expected: Int)
        /// The body is handed on as it comes.
        case streaming(Exchange, limit: Int, expected: Int?)
        /// The answer is known; the rest of the body is read so that it can be given.
        case discarding(Response, limit: Int)
        /// The exchange is the application's and the connection suspended.
        case held(Exchange)
        case answered
        /// Nobody is there to be answered.
        case dropped
    }

    /// An answer that the application gives before the body does not end the connection if so much body or less follows.
    static let discardable = 1 << 20

    init(slot: Int, descriptor: Int32, peer: PeerAddress, daemon: Int, handle: OpaquePointer, worker: Worker) {
        self.slot = slot
        self.descriptor = descriptor
        self.peer = peer
        self.daemon = daemon
        self.handle = handle
        self.worker = worker
    }

    /// The exchange that the application holds, if it does.
    var heldExchange: Exchange? {
        if case .held(let exchange) = progress { exchange } else { nil }
    }

    /// A request line has come.
    func begin(target: UnsafePointer<CChar>?) {
        startedAt = monotonicNanoseconds()
        received = 0
        isHead = false
        status = 0
        responseBytes = 0
        context = nil
        let count = target.map { strlen($0) } ?? 0
        let bytes = UnsafeRawBufferPointer(start: target, count: count).assumingMemoryBound(to: UInt8.self)
        progress = .line(Result { () throws(Rejection) in try RequestTarget(bytes) })
    }

    /// The head, a piece of the body (not empty), or the end has come.
    func advance(
        url: UnsafePointer<CChar>?, method: UnsafePointer<CChar>, version: UnsafePointer<CChar>, body: UnsafeRawBufferPointer
    ) -> MHD_Result {
        switch progress {
        case .line(let target): return open(target, url: url, method: method, version: version)
        case .receiving(let exchange, let limit, let expected):
            if isCut { return .NO }
            if body.isEmpty { return hand(over: exchange) }
            return receive(body, exchange, limit: limit, expected: expected)
        case .streaming(let exchange, let limit, _):
            if isCut { return .NO }
            if body.isEmpty { return finishStream(exchange) }
            return stream(body, exchange, limit: limit)
        case .discarding(let response, let limit):
            if body.isEmpty { return answer(response) }
            return discard(body, response, limit: limit)
        case .answered: return .YES
        case .idle, .held, .dropped: return .NO
        }
    }

    /// The request is over. `isSent`: the whole answer was handed to the kernel.
    func end(isSent: Bool) {
        defer {
            progress = .idle
            context = nil
            exchange = nil
        }
        let isAnswered = isSent && status != 0 || isSentDirectly
        let (bytes, hasFailed) = (outgoing?.taken ?? responseBytes, outgoing?.hasFailed ?? false)
        endStreams()
        if case .receiving(let exchange, _, _) = progress { exchange.discardBody() }
        // libmicrohttpd itself refused the head.
        if case .line = progress, status == 0 { return }
        let outcome: ExchangeRecord.Outcome = isAnswered ? .answered : isCut ? .cut : hasFailed ? .failed : .abandoned
        worker.handler.finished(
            ExchangeRecord(
                context: context, peer: peer, status: status, requestBytes: received, responseBytes: bytes,
                seconds: Double(monotonicNanoseconds() - startedAt) / 1_000_000_000, outcome: outcome))
        worker.becameIdle(self)
    }

    /// Ends a held exchange, with an answer or without. The caller resumes the connection.
    func settle(_ response: Response?) {
        progress = .dropped
        if let response { _ = answer(response) }
    }
}

// The head.
extension Connection {
    private func open(
        _ target: Result<RequestTarget, Rejection>, url: UnsafePointer<CChar>?, method: UnsafePointer<CChar>, version: UnsafePointer<CChar>
    ) -> MHD_Result {
        isHead = strcmp(method, "HEAD") == 0
        do throws(Rejection) {
            let target = try target.get()
            try RequestGuard.checkLine(method: method, target, at: url, version: version)
            let known = try Method(token: method)
            var fields = RequestGuard(connectionMemory: worker.connectionMemory, target: target)
            withUnsafeMutablePointer(to: &fields) { _ = MHD_get_connection_values_n(handle, .HEADER_KIND, headerField, $0) }
            let body = try fields.body(method: known, version: version)
            let head = RequestHead(method: known, target: target, peer: peer, body: body, connection: handle)
            return admit(head, body, expectsContinue: fields.expectsContinue)
        } catch {
            return reject(error)
        }
    }

    private func reject(_ reason: Rejection) -> MHD_Result {
        let (response, context) = worker.handler.rejection(reason, of: RejectedHead(connection: handle))
        self.context = context
        return reason == .headersTooLarge ? answerDirectly(response) : answerAtOnce(response)
    }

    private func admit(_ head: RequestHead, _ body: RequestGuard.Body, expectsContinue: Bool) -> MHD_Result {
        switch worker.handler.admit(head) {
        case .accept(let limit, let context):
            self.context = context
            if let length = head.contentLength, length > limit {
                return answerAtOnce(worker.handler.tooLarge(maxBytes: limit, context: context))
            }
            let exchange = Exchange(context: context, slot: slot, completions: worker.completions, bodies: worker.bodies)
            self.exchange = exchange
            let expected = head.contentLength ?? 0
            if head.hasBody { worker.awaitBody(self, bytes: head.contentLength ?? limit) }
            progress = .receiving(exchange, limit: limit, expected: expected)
            return .YES
        case .stream(let limit, let context):
            self.context = context
            if let length = head.contentLength, length > limit {
                return answerAtOnce(worker.handler.tooLarge(maxBytes: limit, context: context))
            }
            let exchange = Exchange(
                context: context, slot: slot, completions: worker.completions, bodies: worker.bodies, incoming: IncomingBody(bodies: worker.bodies))
            self.exchange = exchange
            progress = .streaming(exchange, limit: limit, expected: body == .chunked ? nil : head.contentLength ?? 0)
            if head.hasBody { worker.awaitStream(self) }
            worker.handler.handle(exchange)
            guard exchange.park() == .answer, let response = exchange.takeResponse() else { return .YES }
            return answerBefore(body, response, expectsContinue: expectsContinue)
        case .answer(let response, let context):
            self.context = context
            return answerBefore(body, response, expectsContinue: expectsContinue)
        }
    }

    /// The answer is known before the body has come.
    private func answerBefore(_ body: RequestGuard.Body, _ response: Response, expectsContinue: Bool) -> MHD_Result {
        switch body {
        case .none: break
        case .length(let length) where length <= Self.discardable && !expectsContinue: worker.awaitBody(self, bytes: length)
        case .length, .chunked: return answerAtOnce(response)
        }
        progress = .discarding(response, limit: Self.discardable)
        return .YES
    }
}

// The body.
extension Connection {
    private func receive(_ body: UnsafeRawBufferPointer, _ exchange: Exchange, limit: Int, expected: Int) -> MHD_Result {
        received += body.count
        // Only a chunked body can be too large here: a declared length was compared before.
        let isTooLarge = received > limit
        if !isTooLarge, exchange.receive(body, expecting: expected) { return .YES }
        exchange.discardBody()
        let (handler, context) = (worker.handler, exchange.context)
        let response = isTooLarge ? handler.tooLarge(maxBytes: limit, context: context) : handler.overloaded(context: context)
        progress = .discarding(response, limit: 4 * limit + Self.discardable)
        return .YES
    }

    private func discard(_ body: UnsafeRawBufferPointer, _ response: Response, limit: Int) -> MHD_Result {
        received += body.count
        guard received > limit else { return .YES }
        if exchange?.incoming != nil { return answerDirectly(response) }
        isCut = true
        return .NO
    }

    private func hand(over exchange: Exchange) -> MHD_Result {
        worker.handler.handle(exchange)
        if exchange.park() == .answer, let response = exchange.takeResponse() { return answer(response) }
        progress = .held(exchange)
        MHD_suspend_connection(handle)
        worker.becameHeld(self)
        return .YES
    }
}

// The answer.
extension Connection {
    private func answer(_ response: Response) -> MHD_Result {
        outgoing = stream(of: response)
        let made = MadeResponse(response, outgoing: outgoing, closing: worker.isDraining)
        guard made.queue(on: handle) else { return .NO }
        progress = .answered
        status = made.status
        responseBytes = isHead ? 0 : response.body.count
        worker.awaitSending(self, bytes: response.body.count)
        return .YES
    }

    /// Answers from the call that brings the head, which makes libmicrohttpd read no further and close.
    private func answerAtOnce(_ response: Response) -> MHD_Result {
        worker.linger(self)
        return answer(response)
    }

    /// Answers a head that has taken the memory in which libmicrohttpd would make its answer.
    private func answerDirectly(_ response: Response) -> MHD_Result {
        sendDirectly(response)
        return .NO
    }

    /// Puts the answer past libmicrohttpd; the connection has to end.
    func sendDirectly(_ response: Response) {
        worker.linger(self)
        guard DirectAnswer.send(response, withBody: !isHead, on: descriptor) else { return }
        status = response.status
        responseBytes = isHead ? 0 : response.body.count
        isSentDirectly = true
    }

    /// Nobody is to be told anything more about the request's streams.
    private func endStreams() {
        outgoing?.close()
        outgoing = nil
        guard let exchange, let incoming = exchange.incoming else { return }
        if exchange.claim() { exchange.abandon() }
        incoming.end(.abandoned)
    }
}

/// One header field, on its way to the guard.
private func headerField(
    context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?, nameCount: Int,
    value: UnsafePointer<CChar>?, valueCount: Int
) -> MHD_Result {
    guard let context, let name else { return .NO }
    let bytes = UnsafeRawBufferPointer(start: name, count: nameCount).assumingMemoryBound(to: UInt8.self)
    let content = UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueCount).assumingMemoryBound(to: UInt8.self)
    context.assumingMemoryBound(to: RequestGuard.self).pointee.field(name: bytes, value: content)
    return .YES
}
