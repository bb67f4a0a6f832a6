/// A run of plain requests, in numbers.
package struct RequestReport: Report {
    package var perSecond: Double
    package var latency: LatencySummary
    package var failures: FailureCount
    package var generatorCores: Double
    package var serverCores: Double?

    /// The cores are processor seconds a second over the whole run.
    package init(_ measurements: RequestRun.Measurements, seconds: Double, generatorCores: Double, serverCores: Double?) {
        perSecond = Double(measurements.answered) / seconds
        latency = measurements.latency.summary
        failures = measurements.failures
        self.generatorCores = generatorCores
        self.serverCores = serverCores
    }

    package var rows: [(name: String, value: String)] {
        [
            ("answered", "\(perSecond.fixed(0))/s"),
            ("latency", latency.text),
            ("failed", failures.text),
            ("cores of the generator", generatorCores.fixed(2)),
        ] + (serverCores.map { [("cores of the server", $0.fixed(2))] } ?? [])
    }
}
