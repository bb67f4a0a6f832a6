/// A number that is kept elsewhere and read when somebody asks for the metrics: a gauge, or a count that something else keeps.
///
/// `read` runs on a thread that serves HTTP, so it takes no lock for long and never waits; what costs is read beforehand by a task.
struct Reading: MetricFamily {
    let name: String
    let help: String
    let kind: MetricsText.Kind
    /// The values now, each with its labels; none where there is nothing to tell.
    let read: @Sendable () -> [(labels: [(name: String, value: String)], value: Double)]

    static func gauge(_ name: String, _ help: String, _ read: @escaping @Sendable () -> Double?) -> Reading {
        Reading(name: name, help: help, kind: .gauge) { read().map { [([], $0)] } ?? [] }
    }

    static func counter(_ name: String, _ help: String, _ read: @escaping @Sendable () -> Double?) -> Reading {
        Reading(name: name, help: help, kind: .counter) { read().map { [([], $0)] } ?? [] }
    }

    /// A gauge with one label, whose values are fixed texts.
    static func gauge(
        _ name: String, _ help: String, label: String, _ read: @escaping @Sendable () -> [(value: String, Double)]
    ) -> Reading {
        Reading(name: name, help: help, kind: .gauge) { read().map { ([(label, $0.value)], $0.1) } }
    }

    func write(to text: inout MetricsText) {
        let values = read()
        guard !values.isEmpty else { return }
        text.begin(name, kind, help: help)
        for (labels, value) in values { text.sample(name, labels, value) }
    }
}
