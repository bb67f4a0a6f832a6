import HTTPServer
import JSON
import Postgres

/// What a node tells of itself.
enum OperationEndpoints {
    static func limits(_ call: Call, _ services: Services) throws -> Response {
        try QueryReader(call, parameters: []).finish()
        let limits = LimitName.allCases.map { name -> (String, JSON?) in
            (name.rawValue, .object(["value": .integer(services.limits[name]), "unit": .string(name.row.unit.rawValue)]))
        }
        return .json(.object(["limits": .object(limits)]))
    }

    /// The process lives; says nothing of the database.
    static func healthz(_ call: Call, _ services: Services) throws -> Response {
        try QueryReader(call, parameters: []).finish()
        return .json(.object(["status": .string("ok")]))
    }

    static func readyz(_ call: Call, _ services: Services) async throws -> Response {
        try QueryReader(call, parameters: []).finish()
        do {
            let milliseconds = try await services.health.check()
            guard call.audience != .clients else { return .json(.object(["status": .string("ok")])) }
            return .json(.object(["status": .string("ok"), "details": details(services, databaseMilliseconds: milliseconds)]))
        } catch NotReady.database(let reason) where call.audience == .operators {
            throw Problem.passing(.unavailable, detail: "The database: \(reason).")
        }
    }

    static func metrics(_ call: Call, _ services: Services) throws -> Response {
        try QueryReader(call, parameters: []).finish()
        return Response(status: 200, headers: [("Content-Type", MetricsText.contentType)], body: services.metrics.text())
    }

    /// What a look tells at once; everything else is in the metrics.
    private static func details(_ services: Services, databaseMilliseconds: Int) -> JSON {
        .object([
            "version": .string(Build.version), "databaseMilliseconds": .integer(databaseMilliseconds),
            "pollsHeld": .integer(Int64(clamping: services.metrics.polls.held)),
            "writerQueueTasks": .integer(services.writers.all.reduce(0) { $0 + $1.depth }),
        ])
    }

    static func specificationYAML(_ call: Call, _ services: Services) throws -> Response {
        try QueryReader(call, parameters: []).finish()
        return Response(status: 200, headers: [("Content-Type", "text/yaml")], body: services.specification.yaml)
    }

    static func specificationJSON(_ call: Call, _ services: Services) throws -> Response {
        try QueryReader(call, parameters: []).finish()
        return .json(encoded: services.specification.json)
    }

    static func problemPage(_ call: Call, _ services: Services) throws -> Response {
        try QueryReader(call, parameters: []).finish()
        guard let code = ProblemCode(rawValue: String(call.path.dropFirst("/problems/".count))) else { throw Problem(.notFound) }
        return Response(status: 200, headers: [("Content-Type", "text/html; charset=utf-8")], body: ProblemPage(code: code).html)
    }
}
