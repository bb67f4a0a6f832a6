/// The bounds of a histogram's buckets, as whole numbers of a small unit.
struct HistogramBuckets: Sendable {
    /// Each is the largest number of its bucket, in rising order; a last bucket without bound follows.
    let bounds: [UInt64]
    /// How many of the small unit make one of the metric's.
    let perUnit: Double

    /// Seconds, counted in nanoseconds.
    static func seconds(_ bounds: [Double]) -> HistogramBuckets {
        // Constants of this program.
        HistogramBuckets(bounds: bounds.map { UInt64($0 * 1e9) }, perUnit: 1e9)
    }

    static func counts(_ bounds: [UInt64]) -> HistogramBuckets {
        HistogramBuckets(bounds: bounds, perUnit: 1)
    }

    /// From what memory answers to what no client waits for.
    static let latency = seconds([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])

    /// Which bucket a number belongs to; `bounds.count` is the last one.
    func index(of value: UInt64) -> Int {
        // A dozen comparisons that the processor foresees are cheaper than a search.
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        return index
    }
}

/// How often each number was seen, roughly: the cells of one or more histograms with the same buckets.
final class HistogramCells: Sendable {
    let buckets: HistogramBuckets
    private let cells: StripedCells
    /// For each histogram a cell for each bucket, one for what is beyond them, and one for the sum.
    private let width: Int

    init(_ buckets: HistogramBuckets, count: Int) {
        self.buckets = buckets
        width = buckets.bounds.count + 2
        cells = StripedCells(count: width * count)
    }

    /// Two additions.
    func observe(_ value: UInt64, at index: Int) {
        cells.add(1, at: index * width + buckets.index(of: value))
        cells.add(value, at: index * width + width - 1)
    }

    func count(at index: Int) -> UInt64 {
        (0..<width - 1).reduce(0) { $0 + cells[index * width + $1] }
    }

    func write(_ name: String, _ labels: [(name: String, value: String)], at index: Int, to text: inout MetricsText) {
        var count: UInt64 = 0
        for (bucket, bound) in buckets.bounds.enumerated() {
            count += cells[index * width + bucket]
            text.sample(name + "_bucket", labels + [("le", MetricsText.number(Double(bound) / buckets.perUnit))], count)
        }
        count += cells[index * width + width - 2]
        text.sample(name + "_bucket", labels + [("le", "+Inf")], count)
        text.sample(name + "_sum", labels, Double(cells[index * width + width - 1]) / buckets.perUnit)
        text.sample(name + "_count", labels, count)
    }
}

/// How often each number was seen, roughly, apart by label. The name ends in its unit: `_seconds`, `_bytes`.
final class Histogram<Label: MetricLabel>: MetricFamily {
    let name: String
    private let help: String
    private let cells: HistogramCells

    init(_ name: String, _ help: String, _ buckets: HistogramBuckets = .latency) {
        self.name = name
        self.help = help
        cells = HistogramCells(buckets, count: Label.allLabels.count)
    }

    /// Notes one number, in the small unit of the buckets: nanoseconds for seconds.
    func observe(_ label: Label, _ value: UInt64) {
        cells.observe(value, at: label.metricIndex)
    }

    /// Notes a time. What is no number, or negative, is 0.
    func observe(_ label: Label, seconds: Double) {
        observe(label, seconds > 0 ? UInt64(min(seconds, 1e9) * 1e9) : 0)
    }

    /// How many were noted.
    func count(_ label: Label) -> UInt64 { cells.count(at: label.metricIndex) }

    func write(to text: inout MetricsText) {
        text.begin(name, .histogram, help: help)
        for (index, labels) in Label.allLabels.enumerated() { cells.write(name, labels, at: index, to: &text) }
    }
}

extension Histogram where Label == NoLabel {
    func observe(_ value: UInt64) { observe(NoLabel(), value) }
    func observe(seconds: Double) { observe(NoLabel(), seconds: seconds) }
    var count: UInt64 { count(NoLabel()) }
}
