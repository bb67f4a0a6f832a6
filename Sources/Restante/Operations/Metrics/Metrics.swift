import Synchronization

/// Everything that the server counts and measures; `GET /metrics` shows it.
///
/// To add a metric to a feature:
///
/// 1. If it has a label, write the enum in the feature's folder: `enum PushOutcome: Int, EnumLabel { static let labelName = "outcome"; case sent, failed }`.
///    `Both<A, B>` makes two labels of two enums. Labels are never made of text from outside.
/// 2. Add a property here, and name it in `families`: `let pushes = Counter<PushOutcome>("restante_pushes_total", "…")`.
/// 3. Count: `services.metrics.pushes.add(.sent)`, `services.metrics.wakeToAnswer.observe(nanoseconds)`. Any thread; one atomic addition, two for a histogram.
///
/// A number that something else keeps (a queue's length) is a `Reading`, which `Application` adds where it wires that thing.
/// docs/operations.md explains each metric to the operator.
final class Metrics: Sendable {
    let requests: RequestMetrics
    let problems = Counter<ProblemCode>("restante_problems_total", "Errors that clients were told of, by code.")
    let rateLimited = Counter<LimitName>("restante_rate_limited_total", "Requests that were refused with 429, by the limit that was used up.")
    let polls = PollMetrics()
    let writers = WriterMetrics()
    let poolWaits = Histogram<NoLabel>("restante_pool_wait_seconds", "How long calls stood in line for a database session of the pool.")
    let busSessions = Counter<NoLabel>(
        "restante_bus_sessions_total", "Sessions that began to listen to other nodes; each after the first is a reconnect.")

    let pushes = Counter<Both<PushService, PushResult>>(
        "restante_pushes_total", "Wake-ups handed to push services, by service and by what came of it.")

    let sweepFailures = Counter<Sweep>("restante_sweep_failures_total", "Sweeps that failed and are tried again, by what they sweep.")

    private let readings = Mutex<[Reading]>([])

    init(operations: [String] = Routes.all.map(\.operation)) {
        requests = RequestMetrics(operations: operations)
    }

    /// In the order in which they are shown; what was added follows.
    private var families: [any MetricFamily] {
        [requests, problems, rateLimited, pushes, poolWaits, busSessions, sweepFailures] + polls.families + writers.families
    }

    /// Shows this number, too, from now on. Its name is not yet taken.
    func add(_ reading: Reading) {
        readings.withLock { $0.append(reading) }
    }

    func text() -> [UInt8] {
        var text = MetricsText()
        for family in families + readings.withLock({ $0 }) { family.write(to: &text) }
        return text.bytes
    }
}

extension ProblemCode: EnumLabel {
    static var labelName: String { "code" }
}

extension LimitName: EnumLabel {
    static var labelName: String { "scope" }
}
