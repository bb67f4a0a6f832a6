/// Requests by operation and status, and how long their answers took.
///
/// A request costs three atomic additions here, and no allocation. Which operations and statuses there are is known from the start; whatever else
/// there may be counts as `other`.
final class RequestMetrics: MetricFamily {
    /// The place of an operation in the table; see `index(of:)`.
    typealias OperationIndex = Int

    let name = "restante_http_requests_total"
    private static let durationName = "restante_http_request_duration_seconds"
    /// What the server turned away before it knew the operation: an unknown path or method, and what breaks the rules of HTTP.
    static let unknown = "unknown"
    static let rejected = "rejected"
    private static let statuses = Set([0, 200, 201, 202, 204, 206, 304] + ProblemCode.allCases.map(\.description.status)).sorted()

    private let operations: [String]
    private let indices: [String: OperationIndex]
    /// From a status to its column; the last column is for those that are not listed.
    private let columns: [UInt8]
    private let requests: StripedCells
    private let durations: HistogramCells

    init(operations: [String]) {
        var names: [String] = []
        for name in operations + [Self.unknown, Self.rejected] where !names.contains(name) { names.append(name) }
        self.operations = names
        indices = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        var columns = [UInt8](repeating: UInt8(Self.statuses.count), count: 600)
        for (column, status) in Self.statuses.enumerated() { columns[status] = UInt8(column) }
        self.columns = columns
        requests = StripedCells(count: names.count * (Self.statuses.count + 1))
        durations = HistogramCells(.latency, count: names.count)
    }

    /// Looked up once for each route; an operation that is not known counts as `unknown`.
    func index(of operation: String) -> OperationIndex {
        indices[operation] ?? indices[Self.unknown] ?? 0
    }

    /// Notes a request that is over. `status` 0: it had no answer. A poll that waited says nothing about how fast the server is, so it has no time here.
    func note(_ operation: OperationIndex, status: Int, seconds: Double, hasWaited: Bool) {
        let column = columns.indices.contains(status) ? Int(columns[status]) : Self.statuses.count
        requests.add(1, at: operation * (Self.statuses.count + 1) + column)
        guard !hasWaited else { return }
        // A number that fits, whatever the clock says.
        durations.observe(seconds > 0 ? UInt64(min(seconds, 1e9) * 1e9) : 0, at: operation)
    }

    func count(_ operation: String, status: Int) -> UInt64 {
        requests[index(of: operation) * (Self.statuses.count + 1) + Int(columns[status])]
    }

    /// What has not happened is left out: most operations never give most statuses.
    func write(to text: inout MetricsText) {
        text.begin(name, .counter, help: "Requests that are over, by operation and status; none: the client had no answer.")
        for (index, operation) in operations.enumerated() {
            for column in 0...Self.statuses.count {
                let count = requests[index * (Self.statuses.count + 1) + column]
                guard count > 0 else { continue }
                text.sample(name, [("operation", operation), ("status", Self.label(of: column))], count)
            }
        }
        text.begin(
            Self.durationName, .histogram, help: "From the request line to the end of the answer, by operation; without polls that asked to wait.")
        for (index, operation) in operations.enumerated() where durations.count(at: index) > 0 {
            durations.write(Self.durationName, [("operation", operation)], at: index, to: &text)
        }
    }

    private static func label(of column: Int) -> String {
        guard column < statuses.count else { return "other" }
        return statuses[column] == 0 ? "none" : String(statuses[column])
    }
}
