import HTTPServer

/// Finds the endpoint for a path and a method.
struct Router: Sendable {
    enum Match {
        case endpoint(Endpoint)
        /// The path exists, with other methods: the value of `Allow`.
        case methodNotAllowed(allow: String)
        case notFound
    }

    private var exact: [String: [Endpoint]] = [:]
    /// Endpoints whose path ends in a `{parameter}`, under the text before it.
    private var prefixed: [(prefix: String, endpoint: Endpoint)] = []

    init(_ endpoints: [Endpoint], metrics: RequestMetrics) {
        for var endpoint in endpoints {
            endpoint.metricsIndex = metrics.index(of: endpoint.operation)
            if let brace = endpoint.path.firstIndex(of: "{") {
                prefixed.append((String(endpoint.path[..<brace]), endpoint))
            } else {
                exact[endpoint.path, default: []].append(endpoint)
            }
        }
    }

    func match(_ method: Method, _ path: String) -> Match {
        let candidates = exact[path] ?? prefixed.filter { path.hasPrefix($0.prefix) && path != $0.prefix }.map(\.endpoint)
        guard !candidates.isEmpty else { return .notFound }
        if let endpoint = candidates.first(where: { $0.method == method }) { return .endpoint(endpoint) }
        if method == .head, let endpoint = candidates.first(where: { $0.method == .get }) { return .endpoint(endpoint) }
        return .methodNotAllowed(allow: Self.allow(candidates))
    }

    private static func allow(_ endpoints: [Endpoint]) -> String {
        endpoints.flatMap { $0.method == .get ? ["GET", "HEAD"] : [$0.method.name] }.joined(separator: ", ")
    }
}
