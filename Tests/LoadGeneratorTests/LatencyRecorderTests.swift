import LoadGenerator
import Testing

@Suite struct LatencyRecorderTests {
    @Test func `percentiles are in milliseconds`() {
        var recorder = LatencyRecorder()
        for millisecond in 1...1_000 { recorder.record(from: 0, to: Instant(millisecond) * 1_000_000) }
        let summary = recorder.summary
        #expect(summary.count == 1_000)
        #expect(abs(summary.p50 - 500) <= 1)
        #expect(abs(summary.p99 - 990) <= 1)
        #expect(abs(summary.maximum - 1_000) <= 1)
    }

    @Test func `two recorders add up`() {
        var first = LatencyRecorder()
        first.record(from: 0, to: 1_000_000)
        var second = LatencyRecorder()
        second.record(from: 0, to: 3_000_000)
        first.add(second)
        #expect(first.summary.count == 2)
        #expect(abs(first.summary.maximum - 3) < 0.01)
    }

    @Test func `nothing recorded is no latency, and a clock that seems to go back is none either`() {
        var recorder = LatencyRecorder()
        #expect(recorder.summary.maximum == 0)
        recorder.record(from: 2_000, to: 1_000)
        #expect(recorder.summary.count == 1)
        #expect(recorder.summary.maximum <= 0.001)
    }
}
