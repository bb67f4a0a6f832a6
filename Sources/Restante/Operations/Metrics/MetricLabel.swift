/// What tells the numbers of one metric apart, from a fixed list: never text that a client made, which would let clients fill the memory of
/// whoever collects the metrics.
protocol MetricLabel: Sendable {
    /// Every value that there can be, in the order of `metricIndex`; each as the names and values of its labels.
    static var allLabels: [[(name: String, value: String)]] { get }
    var metricIndex: Int { get }
}

/// A metric with one number.
struct NoLabel: MetricLabel {
    static let allLabels: [[(name: String, value: String)]] = [[]]
    var metricIndex: Int { 0 }
}

/// One label, whose values are the cases of an enum: `enum PushOutcome: Int, EnumLabel { static let labelName = "outcome"; case sent, … }`.
protocol EnumLabel: MetricLabel, CaseIterable, Equatable {
    static var labelName: String { get }
    /// The case's name unless it is said otherwise.
    var labelValue: String { get }
}

extension EnumLabel {
    var labelValue: String { "\(self)" }
    static var allLabels: [[(name: String, value: String)]] { allCases.map { [(labelName, $0.labelValue)] } }
}

extension EnumLabel where Self: RawRepresentable<Int> {
    /// Raw values are not given by hand, so they count from 0.
    var metricIndex: Int { rawValue }
}

extension EnumLabel where Self: RawRepresentable<String> {
    var labelValue: String { rawValue }
    /// A search: for what is rare.
    var metricIndex: Int { Self.allCases.enumerated().first { $0.element == self }.map(\.offset) ?? 0 }
}

/// Two labels together.
struct Both<First: MetricLabel, Second: MetricLabel>: MetricLabel {
    let first: First
    let second: Second

    init(_ first: First, _ second: Second) {
        self.first = first
        self.second = second
    }

    static var allLabels: [[(name: String, value: String)]] { First.allLabels.flatMap { first in Second.allLabels.map { first + $0 } } }
    var metricIndex: Int { first.metricIndex * Second.allLabels.count + second.metricIndex }
}
