internal import Histogram

/// Collects latencies to three significant digits, up to two minutes.
package struct LatencyRecorder: Sendable {
    private var histogram = Histogram<UInt64>(highestTrackableValue: Self.longest, numberOfSignificantValueDigits: .three)

    package init() {}

    /// Records the time from `start` to `end` in whole microseconds.
    package mutating func record(from start: Instant, to end: Instant) {
        let microseconds = end > start ? (end - start) / 1_000 : 0
        histogram.record(min(max(microseconds, 1), Self.longest))
    }

    package mutating func add(_ other: LatencyRecorder) {
        histogram.add(other.histogram)
    }

    package var summary: LatencySummary {
        LatencySummary(
            count: Int(histogram.totalCount), p50: milliseconds(50), p90: milliseconds(90), p99: milliseconds(99),
            p999: milliseconds(99.9), maximum: milliseconds(100))
    }

    private static let longest: UInt64 = 120_000_000

    private func milliseconds(_ percentile: Double) -> Double {
        histogram.totalCount == 0 ? 0 : Double(histogram.valueAtPercentile(percentile)) / 1_000
    }
}

/// Percentiles of one kind of latency, in milliseconds.
package struct LatencySummary: Sendable, Encodable, Equatable {
    package var count: Int
    package var p50: Double
    package var p90: Double
    package var p99: Double
    package var p999: Double
    package var maximum: Double
}
