/// How many cores this process and the one under load keep busy over a stretch of time.
package struct CoreMeter {
    private let generator: ProcessUsage
    private let server: ProcessUsage?
    private let start: (instant: Instant, generator: UInt64, server: UInt64)

    /// Starts to measure. `generator` is this process; `server` is nil where nobody watches it.
    package init(generator: ProcessUsage, server: ProcessUsage?) {
        self.generator = generator
        self.server = server
        start = (MonotonicClock.now, generator.processorTime, server?.processorTime ?? 0)
    }

    /// Processor seconds a second since the start.
    package func read() -> (generator: Double, server: Double?) {
        let elapsed = Double(max(MonotonicClock.now - start.instant, 1))
        let generatorCores = Double(generator.processorTime &- start.generator) / elapsed
        return (generatorCores, server.map { Double($0.processorTime &- start.server) / elapsed })
    }
}
