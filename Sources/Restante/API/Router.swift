import HTTPServer

/// An endpoint of one server, and where that counts it: one object for all its requests, each of which carries a reference.
final class Route: Sendable {
    let endpoint: Endpoint
    let metricsIndex: RequestMetrics.OperationIndex

    init(_ endpoint: Endpoint, metrics: RequestMetrics) {
        self.endpoint = endpoint
        metricsIndex = metrics.index(of: endpoint.operation)
    }
}

/// Finds the route for a path and a method.
struct Router: Sendable {
    enum Match {
        case route(Route)
        /// The path exists, with other methods: the value of `Allow`.
        case methodNotAllowed(allow: String)
        case notFound
    }

    private var exact: [String: [Route]] = [:]
    /// Those whose path ends in a `{parameter}`, under the text before it.
    private var prefixed: [(prefix: String, route: Route)] = []

    init(_ endpoints: [Endpoint], metrics: RequestMetrics) {
        for endpoint in endpoints {
            let route = Route(endpoint, metrics: metrics)
            if let brace = endpoint.path.firstIndex(of: "{") {
                prefixed.append((String(endpoint.path[..<brace]), route))
            } else {
                exact[endpoint.path, default: []].append(route)
            }
        }
    }

    func match(_ method: Method, _ path: String) -> Match {
        let candidates = exact[path] ?? prefixed.filter { path.hasPrefix($0.prefix) && path != $0.prefix }.map(\.route)
        guard !candidates.isEmpty else { return .notFound }
        if let route = candidates.first(where: { $0.endpoint.method == method }) { return .route(route) }
        if method == .head, let route = candidates.first(where: { $0.endpoint.method == .get }) { return .route(route) }
        return .methodNotAllowed(allow: Self.allow(candidates))
    }

    private static func allow(_ routes: [Route]) -> String {
        routes.map(\.endpoint.method).flatMap { $0 == .get ? ["GET", "HEAD"] : [$0.name] }.joined(separator: ", ")
    }
}
