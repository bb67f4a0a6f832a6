import Dispatch
import Testing

@testable import Restante

@Suite struct MetricsTests {
    private enum Colour: Int, EnumLabel {
        static let labelName = "colour"
        case red, green
    }
    private enum Size: String, EnumLabel {
        static let labelName = "size"
        case small, large = "very \"large\"\n\\"
    }

    private func lines(_ family: any MetricFamily) -> [String] {
        var text = MetricsText()
        family.write(to: &text)
        return String(decoding: text.bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    @Test func aCounterShowsEveryValueOfItsLabel() {
        let counter = Counter<Colour>("things_total", "Things.")
        counter.add(.green)
        counter.add(.green, 4)
        counter.add(.red, -7)
        #expect(
            lines(counter) == [
                "# HELP things_total Things.", "# TYPE things_total counter", "things_total{colour=\"red\"} 0", "things_total{colour=\"green\"} 5",
                "",
            ])
    }

    @Test func textIsEscapedAsTheFormatSays() {
        let counter = Counter<Size>("things_total", "A \\ and\na \"line\".")
        #expect(
            lines(counter) == [
                #"# HELP things_total A \\ and\na "line"."#, "# TYPE things_total counter", #"things_total{size="small"} 0"#,
                #"things_total{size="very \"large\"\n\\"} 0"#, "",
            ])
    }

    @Test func twoLabelsHaveACellForEachPair() {
        let counter = Counter<Both<Colour, Size>>("things_total", "Things.")
        for (index, colour) in [Colour.red, .green].enumerated() {
            counter.add(Both(colour, .small), 10 * index + 1)
            counter.add(Both(colour, .large), 10 * index + 2)
        }
        #expect(lines(counter).dropFirst(2).map { $0.split(separator: " ").last.map(String.init) ?? "" } == ["1", "2", "11", "12", ""])
        #expect(lines(counter)[4] == #"things_total{colour="green",size="small"} 11"#)
    }

    @Test func aHistogramCountsUpToEachBound() {
        let histogram = Histogram<NoLabel>("wait_seconds", "Waits.", .seconds([0.001, 0.5, 10]))
        // On a bound, beyond all bounds, and in between.
        for value in [1_000_000, 1_000_001, 500_000_000, 60_000_000_000] as [UInt64] { histogram.observe(value) }
        #expect(
            lines(histogram) == [
                "# HELP wait_seconds Waits.", "# TYPE wait_seconds histogram", "wait_seconds_bucket{le=\"0.001\"} 1",
                "wait_seconds_bucket{le=\"0.5\"} 3",
                "wait_seconds_bucket{le=\"10\"} 3", "wait_seconds_bucket{le=\"+Inf\"} 4", "wait_seconds_sum 60.502000001", "wait_seconds_count 4", "",
            ])
    }

    @Test func numbersAreWrittenAsThePrometheusReadsThem() {
        #expect([0, -3, 1.5, 1e300, .infinity, -.infinity].map(MetricsText.number) == ["0", "-3", "1.5", "1e+300", "+Inf", "-Inf"])
        #expect(MetricsText.number(.nan) == "NaN")
    }

    @Test func whatManyThreadsAddIsAllThere() {
        let counter = Counter<Colour>("things_total", "Things.")
        let histogram = Histogram<NoLabel>("sizes", "Sizes.", .counts([10]))
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<20_000 {
                counter.add(thread.isMultiple(of: 2) ? .red : .green)
                histogram.observe(UInt64(number % 20))
            }
        }
        #expect(counter.value(.red) == 80_000 && counter.value(.green) == 80_000)
        #expect(histogram.count == 160_000)
        #expect(lines(histogram)[2] == "sizes_bucket{le=\"10\"} 88000")
    }

    @Test func requestsAreCountedByOperationAndStatus() {
        let requests = RequestMetrics(operations: ["send", "fetch"])
        requests.note(requests.index(of: "send"), status: 201, seconds: 0.002, hasWaited: false)
        requests.note(requests.index(of: "fetch"), status: 200, seconds: 30, hasWaited: true)
        requests.note(requests.index(of: "never heard of"), status: 404, seconds: -1, hasWaited: false)
        requests.note(requests.index(of: RequestMetrics.rejected), status: 799, seconds: .infinity, hasWaited: false)
        requests.note(requests.index(of: "send"), status: 0, seconds: .nan, hasWaited: false)
        let shown = lines(requests)
        #expect(
            shown.filter { $0.hasPrefix("restante_http_requests_total") } == [
                #"restante_http_requests_total{operation="send",status="none"} 1"#, #"restante_http_requests_total{operation="send",status="201"} 1"#,
                #"restante_http_requests_total{operation="fetch",status="200"} 1"#,
                #"restante_http_requests_total{operation="unknown",status="404"} 1"#,
                #"restante_http_requests_total{operation="rejected",status="other"} 1"#,
            ])
        #expect(shown.contains { $0.hasPrefix(#"restante_http_request_duration_seconds_bucket{operation="send",le="0.0025"}"#) })
        #expect(!shown.contains { $0.hasPrefix(#"restante_http_request_duration_seconds_bucket{operation="fetch""#) })
    }

    /// A metric that was made and never named in `families` would be counted and never seen.
    @Test func everyMetricIsShownOnce() {
        let metrics = Metrics()
        let text = String(decoding: metrics.text(), as: UTF8.self)
        let shown = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) }
        let made = Mirror(reflecting: metrics).children.compactMap { ($0.value as? any MetricFamily)?.name }
        #expect(made.count > 2)
        for name in made { #expect(shown.filter { $0 == name }.count == 1, "\(name)") }
        #expect(Set(shown).count == shown.count)
    }
}
