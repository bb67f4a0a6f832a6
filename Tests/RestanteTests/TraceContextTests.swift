import HTTPServer
import Testing

@testable import Restante

@Suite struct TraceContextTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let span = "b7ad6b7169203331"

    private func context(_ fields: String...) -> TraceContext {
        TraceContext.of(RequestHead(method: .get, path: "/", peer: .loopback, headers: fields.map { ("Traceparent", $0) }))
    }

    @Test func aTraceIsContinuedUnderASpanOfItsOwn() {
        let context = context("00-\(Self.trace)-\(Self.span)-01")
        #expect(context.traceText == Self.trace)
        #expect(context.parentText == Self.span)
        #expect(context.spanText != Self.span)
        #expect(context.isRecorded)
        #expect(context.field == "00-\(Self.trace)-\(context.spanText)-01")
    }

    @Test(arguments: [
        // Unknown flags are there for later; the recorded bit is the last.
        ("00-\(trace)-\(span)-00", false), ("00-\(trace)-\(span)-fe", false), ("00-\(trace)-\(span)-ff", true),
        // A later version, with and without more to say.
        ("01-\(trace)-\(span)-01", true), ("cc-\(trace)-\(span)-01-what-the-future-brings", true),
    ])
    func theseAreTraces(field: String, isRecorded: Bool) {
        let context = context(field)
        #expect(context.traceText == Self.trace)
        #expect(context.isRecorded == isRecorded)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-0", "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01-more", "00-\(trace)-\(span)-011",
        "ff-\(trace)-\(span)-01", "0-\(trace)-\(span)-001", "01-\(trace)-\(span)-01.more", "00-00000000000000000000000000000000-\(span)-01",
        "00-\(trace)-0000000000000000-01", "00-0AF7651916CD43DD8448EB211C80319C-\(span)-01", "00-\(trace)-B7AD6B7169203331-01",
        "00-\(trace)-\(span)-0x", "00_\(trace)_\(span)_01", "0g-\(trace)-\(span)-01", "00-\(trace.dropLast())é-\(span)-01", " 00-\(trace)-\(span)-01",
    ])
    func whatBreaksTheRulesBeginsANewTrace(field: String) {
        let context = context(field)
        #expect(context.traceText != Self.trace)
        #expect(context.parent == nil)
        #expect(!context.isRecorded)
    }

    @Test func twoFieldsAreNone() {
        #expect(context("00-\(Self.trace)-\(Self.span)-01", "00-\(Self.trace)-\(Self.span)-01").parent == nil)
        #expect(context().parent == nil)
    }

    @Test func newTracesDifferAndAreWellFormed() {
        let fields = (0..<1000).map { _ in TraceContext.begin().field }
        #expect(Set(fields.map { $0.dropFirst(3).prefix(32) }).count == 1000)
        #expect(Set(fields.map { $0.dropFirst(36).prefix(16) }).count == 1000)
        #expect(fields.allSatisfy { TraceContext.parse($0) != nil && $0.hasSuffix("-00") })
    }
}
