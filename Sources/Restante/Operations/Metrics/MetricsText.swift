/// The text that a Prometheus server reads, format 0.0.4.
///
///     # HELP restante_polls_held Polls that wait for something to arrive.
///     # TYPE restante_polls_held gauge
///     restante_polls_held 1024
///
/// Source: Prometheus, "Exposition formats", text-based format.
struct MetricsText {
    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var bytes: [UInt8] = []

    /// Begins a metric; its samples follow.
    mutating func begin(_ name: String, _ kind: Kind, help: String) {
        append("# HELP \(name) \(Self.escaped(help))\n# TYPE \(name) \(kind.rawValue)\n")
    }

    mutating func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: Double) {
        sample(name, labels, text: Self.number(value))
    }

    mutating func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: UInt64) {
        sample(name, labels, text: String(value))
    }

    private mutating func sample(_ name: String, _ labels: [(name: String, value: String)], text: String) {
        let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quote: true))\"" }.joined(separator: ",")
        append(name + (pairs.isEmpty ? "" : "{\(pairs)}") + " \(text)\n")
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Whole numbers as such, as far as a Double counts them.
        return abs(value) < 0x1p53 && value == value.rounded() ? String(Int64(value)) : "\(value)"
    }

    private static func escaped(_ text: String, quote: Bool = false) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quote: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// Something that has numbers to show.
protocol MetricFamily: Sendable {
    var name: String { get }
    func write(to text: inout MetricsText)
}
