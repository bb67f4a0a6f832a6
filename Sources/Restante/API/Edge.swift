import HTTPServer
import Synchronization

/// The application's side of the HTTP server: matches, authenticates, limits, and runs the endpoint.
///
/// The head decides as much as it can before a body is read: path, method, the presence and form of the credentials, and, for a token
/// that was seen lately, its session. A token that is not in the cache is looked up once the body is in; the body is not looked at before.
/// An upload's is looked up first, and its body read by the endpoint.
final class Edge: ExchangeHandler {
    private let router: Router
    private let services: Services
    private let audience: Audience
    private let unknown: RequestMetrics.OperationIndex
    private let rejected: RequestMetrics.OperationIndex

    init(_ endpoints: [Endpoint], services: Services, for audience: Audience) {
        self.audience = audience
        router = Router(endpoints, metrics: services.metrics.requests)
        self.services = services
        unknown = services.metrics.requests.index(of: RequestMetrics.unknown)
        rejected = services.metrics.requests.index(of: RequestMetrics.rejected)
    }

    func admit(_ head: RequestHead) -> Admission {
        let requestId = RequestIdentifier.of(head)
        let trace = TraceContext.of(head)
        let route: Route
        switch router.match(head.method, head.path) {
        case .route(let found): route = found
        case .notFound: return refuse(head, Problem(.notFound), requestId, trace)
        case .methodNotAllowed(let allow):
            var problem = Problem(.methodNotAllowed)
            problem.allowedMethods = allow
            return refuse(head, problem, requestId, trace)
        }
        let endpoint = route.endpoint
        var credential = Credential.notNeeded
        if endpoint.access == .device {
            switch services.authentication.credential(authorization: head.header("Authorization")) {
            case .success(let found): credential = found
            case .failure(let problem): return refuse(head, problem, requestId, trace, route)
            }
        }
        let admitted = Admitted(
            route: route, requestId: requestId,
            client: credential.isSession ? head.peer : services.trustedProxies.client(of: head), trace: trace, credential: credential,
            path: head.path == endpoint.path ? endpoint.path : head.path, query: head.query,
            contentType: head.hasBody && !endpoint.isStreamed ? MediaType(head.header("Content-Type")) : .absent,
            isHead: head.method == .head, headers: NotedHeaders(endpoint.headers, of: head))
        let maxBodyBytes = endpoint.maxBodyBytes.map { services.limits[$0] } ?? 0
        return endpoint.isStreamed
            ? .stream(maxBodyBytes: maxBodyBytes, context: admitted) : .accept(maxBodyBytes: maxBodyBytes, context: admitted)
    }

    func handle(_ exchange: Exchange) {
        guard let admitted = exchange.context as? Admitted, let endpoint = admitted.route?.endpoint else { return }
        let reply = Reply(exchange: exchange, admitted: admitted, log: services.requestLog)
        switch admitted.credential {
        case .notNeeded:
            run(endpoint, admitted, exchange, reply, caller: nil)
        case .session(let session):
            run(endpoint, admitted, exchange, reply, caller: session)
        case .token(let hash):
            services.authentication.lookup.find(hash) { [self] found in
                switch found {
                case .success(let session): run(endpoint, admitted, exchange, reply, caller: session)
                case .failure(let error): reply.fail(refusal(error, admitted))
                }
            }
        }
    }

    private func run(_ endpoint: Endpoint, _ admitted: Admitted, _ exchange: Exchange, _ reply: Reply, caller: Session?) {
        do {
            try limit(caller: caller, endpoint, admitted)
            let call = Call(
                admitted, body: try body(of: exchange, admitted), caller: caller, audience: audience,
                stream: endpoint.isStreamed ? exchange : nil)
            if endpoint.isTransfer { admitted.hasWaited.store(true, ordering: .relaxed) }
            // What has a JSON body takes nothing from the query.
            if endpoint.method == .post, endpoint.headers.isEmpty { try QueryReader(call, parameters: []).finish() }
            switch endpoint.action {
            case .answer(let action):
                reply.send(try action(call, services))
            case .handOff(let action):
                try action(call, reply, services)
            case .await(let action):
                Task { [services] in
                    do { reply.send(try await action(call, services)) } catch { reply.fail(error) }
                }
            }
        } catch {
            reply.fail(error)
        }
    }

    private func limit(caller: Session?, _ endpoint: Endpoint, _ admitted: Admitted) throws {
        if let caller {
            services.mailroom.touch(caller)
            services.presence.note(caller)
            try services.rateLimiter.takeQuietly(.requestsPerDevice, for: .identifier(caller.deviceId), noting: admitted)
        } else if endpoint.access == .everyone {
            try services.rateLimiter.takeQuietly(.requestsPerAddress, for: .address(admitted.client), noting: admitted)
        }
    }

    /// A token that never was one is as good as none.
    private func refusal(_ cause: any Error, _ admitted: Admitted) -> any Error {
        guard (cause as? Problem)?.code == .invalidToken else { return cause }
        do {
            try services.rateLimiter.takeQuietly(.requestsPerAddress, for: .address(admitted.client), noting: admitted)
            return cause
        } catch {
            return error
        }
    }

    private func body(of exchange: Exchange, _ admitted: Admitted) throws -> [UInt8] {
        let body = exchange.takeBody()
        guard !body.isEmpty || admitted.contentType == .json else { return [] }
        guard admitted.contentType == .json else { throw Problem(.unsupportedMediaType) }
        // A body that says it is JSON and is empty is no JSON; the decoder says so, given something to read.
        return body.isEmpty ? [UInt8(ascii: " ")] : body
    }

    func rejection(_ reason: Rejection, of head: RejectedHead) -> (response: Response, context: (any AnyObject & Sendable)?) {
        let rejected = RejectedRequest(requestId: RequestIdentifier.of(head))
        return (response(to: Problem(reason), rejected.requestId), rejected)
    }

    func tooLarge(maxBytes: Int, context: any AnyObject & Sendable) -> Response {
        response(to: Problem.tooLarge(maxBytes: maxBytes), requestId(of: context))
    }

    func overloaded(context: (any AnyObject & Sendable)?) -> Response {
        guard let context else {
            let requestId = RequestIdentifier.make()
            services.requestLog.refusedConnection(requestId)
            return response(to: Problem.passing(.overloaded, detail: "There are too many connections."), requestId)
        }
        return response(to: Problem.passing(.overloaded, detail: "Too many long requests are being received."), requestId(of: context))
    }

    func draining(context: any AnyObject & Sendable) -> Response {
        response(to: Problem.passing(.draining), requestId(of: context))
    }

    func finished(_ record: ExchangeRecord) {
        let admitted = record.context as? Admitted
        services.metrics.requests.note(
            admitted.map { $0.route?.metricsIndex ?? unknown } ?? rejected, status: record.status, seconds: record.seconds,
            hasWaited: admitted?.hasWaited.load(ordering: .relaxed) ?? false)
        services.requestLog.finished(record, admitted, requestId: admitted?.requestId ?? requestId(of: record.context))
    }

    /// The one that its request was admitted, or rejected, with.
    private func requestId(of context: (any AnyObject & Sendable)?) -> String {
        (context as? Admitted)?.requestId ?? (context as? RejectedRequest)?.requestId ?? RequestIdentifier.make()
    }

    private func response(to problem: Problem, _ requestId: String) -> Response {
        services.requestLog.response(to: problem, requestId: requestId).withCommonHeaders(requestId: requestId)
    }

    private func refuse(
        _ head: RequestHead, _ problem: Problem, _ requestId: String, _ trace: TraceContext, _ route: Route? = nil
    ) -> Admission {
        let context = Admitted(route: route, requestId: requestId, client: head.peer, trace: trace)
        return .answer(response(to: problem, requestId), context: context)
    }
}
