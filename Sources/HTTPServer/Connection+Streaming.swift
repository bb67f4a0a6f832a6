internal import CMicrohttpd

// Streams, both ways. A connection is paused (suspended) where the application is slower than the client, and goes on when a notice
// comes through the completion queue. libmicrohttpd may call once more for what it has read already; that is taken, too.

extension Connection {
    /// Reads and writes nothing until the worker proceeds. Called from libmicrohttpd's callbacks only.
    func pause() {
        guard !isPaused else { return }
        isPaused = true
        MHD_suspend_connection(handle)
        worker.becamePaused(self)
    }

    /// Hands a piece of a streamed body on.
    func stream(_ body: UnsafeRawBufferPointer, _ exchange: Exchange, limit: Int) -> MHD_Result {
        received += body.count
        let handler = worker.handler
        // Only a chunked body can be too large here: a declared length was compared before.
        guard received <= limit else {
            return refuse(exchange, .tooLarge) { handler.tooLarge(maxBytes: limit, context: exchange.context) }
        }
        switch exchange.incoming?.receive(body) {
        case .taken, nil: break
        case .full: pause()
        case .refused: return refuse(exchange, .abandoned) { handler.overloaded(context: exchange.context) }
        }
        return .YES
    }

    /// The end of a streamed body has come; the exchange is held from now on as any other.
    func finishStream(_ exchange: Exchange) -> MHD_Result {
        exchange.incoming?.end()
        progress = .held(exchange)
        MHD_suspend_connection(handle)
        worker.becameHeld(self)
        return .YES
    }

    private func refuse(_ exchange: Exchange, _ fault: BodyFault, with response: () -> Response) -> MHD_Result {
        // Claimed before the reader is told, who might answer in its own words. Else the application has answered, and that answer is on its way.
        let isOurs = exchange.claim()
        exchange.incoming?.end(fault)
        guard isOurs else { return .YES }
        exchange.abandon()
        answerEarly(response())
        return .YES
    }

    /// The answer is known before the streamed body has come. What is left of it is read if that is little; otherwise the answer goes out
    /// now, past libmicrohttpd, which answers no request that it has not read, and the connection ends.
    func answerEarly(_ response: Response) {
        guard case .streaming(let exchange, _, let expected) = progress else { return }
        exchange.incoming?.drop()
        if let expected, expected - received > Self.discardable {
            endDirectly(with: response)
        } else {
            progress = .discarding(response, limit: received + Self.discardable)
            worker.awaitBody(self, bytes: expected.map { $0 - received } ?? 0)
        }
        worker.proceed(self)
    }

    /// The rest of the body has not come in time, and the answer has waited for it long enough. False: there is no such answer.
    func answerOverdue() -> Bool {
        guard case .discarding(let response, _) = progress else { return false }
        endDirectly(with: response)
        return true
    }

    private func endDirectly(with response: Response) {
        sendDirectly(response)
        progress = .dropped
        worker.awaitEnd(self)
    }

    /// What a response's body is pulled from, where it is not all there.
    func stream(of response: Response) -> OutgoingStream? {
        guard let stream = response.stream, let exchange else { return nil }
        let completions = worker.completions
        return OutgoingStream(stream, on: self) { completions.append(.flow(exchange)) }
    }
}

// Getting on.
extension Connection {
    /// Begins the window in which a stream has to get on.
    func beginWindow() {
        window.begin(at: outgoing.map { acknowledged($0) } ?? received)
    }

    /// The window's time is over: whether the client has kept up, so that another begins.
    func renewWindow(_ policy: DeadlinePolicy) -> Bool {
        if let outgoing { return window.renew(at: acknowledged(outgoing), quota: policy.outgoingQuota) }
        guard case .streaming = progress else { return false }
        return window.renew(at: received, quota: policy.incomingQuota)
    }

    /// What the client's machine has of a stream: what waits in the kernel has not got on.
    private func acknowledged(_ outgoing: OutgoingStream) -> Int {
        outgoing.taken - unsentBytes(descriptor)
    }
}
