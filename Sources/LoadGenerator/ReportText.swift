extension LatencySummary {
    var text: String {
        "p50 \(p50.fixed(2))  p90 \(p90.fixed(2))  p99 \(p99.fixed(2))  p99.9 \(p999.fixed(2))  max \(maximum.fixed(2)) ms"
    }
}

extension FailureCount {
    var text: String {
        guard total > 0 else { return "0" }
        return byStatus.sorted { $0.key < $1.key }.map { "\($0.value) x \(Self.name(of: $0.key))" }.joined(separator: ", ")
    }
}

extension Double {
    /// The number with so many digits behind the point.
    func fixed(_ digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { result, _ in result * 10 }
        let scaled = Int((magnitude * scale).rounded())
        let sign = self < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let text = String(scaled)
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
    }
}
