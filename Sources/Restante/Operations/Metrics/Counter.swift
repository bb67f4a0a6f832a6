/// Counts what happens, apart by label. The name ends in `_total`, with the unit before it where there is one.
final class Counter<Label: MetricLabel>: MetricFamily {
    let name: String
    private let help: String
    private let cells: StripedCells

    init(_ name: String, _ help: String) {
        self.name = name
        self.help = help
        cells = StripedCells(count: Label.allLabels.count)
    }

    func add(_ label: Label, _ amount: Int = 1) {
        cells.add(UInt64(max(0, amount)), at: label.metricIndex)
    }

    func value(_ label: Label) -> UInt64 { cells[label.metricIndex] }

    func write(to text: inout MetricsText) {
        text.begin(name, .counter, help: help)
        for (index, labels) in Label.allLabels.enumerated() { text.sample(name, labels, cells[index]) }
    }
}

extension Counter where Label == NoLabel {
    func add(_ amount: Int = 1) { add(NoLabel(), amount) }
    var value: UInt64 { value(NoLabel()) }
}
