import JSON
import Logging
import Testing

@testable import Restante

@Suite struct LogTextTests {
    private func event(_ message: Logger.Message) -> LogEvent {
        LogEvent(level: .info, message: message, metadata: nil, source: nil, file: "", function: "", line: 0)
    }

    @Test func aLineStaysOneLineAndControlsNoTerminal() {
        #expect(LogText.neutral("plain text, Grüße, 日本") == "plain text, Grüße, 日本")
        #expect(LogText.neutral("a\r\nb\tc\u{0}\u{1B}[31m\u{7F}\u{9B}\u{2028}\u{202E}") == #"a\r\nb\tc\u{0}\u{1b}[31m\u{7f}\u{9b}\u{2028}\u{202e}"#)
    }

    @Test func aValueThatCouldBeTakenForMoreIsQuoted() {
        #expect(LogText.value("sendMessage") == "sendMessage")
        #expect(LogText.value("a b") == #""a b""#)
        #expect(LogText.value("x status=200") == #""x status=200""#)
        #expect(LogText.value(#"say "hi""#) == #""say \"hi\"""#)
        #expect(LogText.value("") == #""""#)
    }

    @Test func aJSONLineKeepsNumbers() throws {
        let line = LogFormat.json.line(
            event("two\nlines"), label: "test",
            [("bytes", .stringConvertible(12)), ("seconds", .stringConvertible(0.25)), ("text", .string("\u{1B}[0m")), ("who", "x")])
        let object = try JSON.parse(line)
        #expect(object["message"]?.string == #"two\nlines"#)
        #expect(object["level"]?.string == "info" && object["logger"]?.string == "test" && object["time"]?.string?.hasSuffix("Z") == true)
        #expect(object["bytes"]?.encoded() == Array("12".utf8))
        #expect(object["seconds"]?.encoded() == Array("0.25".utf8))
        #expect(object["text"]?.string == #"\u{1b}[0m"#)
        #expect(!line.contains(UInt8(ascii: "\n")))
    }

    @Test func aTextLineHasItsMetadataBehindTheMessage() {
        let line = LogFormat.text.line(
            event("request"), label: "test", [("operation", "sendMessage"), ("error", "no such \"thing\"")])
        #expect(String(decoding: line, as: UTF8.self).hasSuffix(#"Z info test: request operation=sendMessage error="no such \"thing\"""#))
    }
}
