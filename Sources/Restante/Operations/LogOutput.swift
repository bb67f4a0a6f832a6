import JSON
import Logging

/// What is logged, as text or as one JSON object a line.
enum LogOutput {
    static func logger(_ configuration: Configuration, to lines: LogLines) -> Logger {
        var logger = Logger(label: "restante") { label in
            LineLogHandler(format: configuration.logFormat, label: label, lines: lines)
        }
        logger.logLevel = configuration.logLevel
        return logger
    }
}

/// Makes one line of each event:
///
///     {"time": …, "level": "info", "logger": "restante", "message": "request", …metadata}
///     2026-01-31T12:00:00.123Z info restante: request operation=sendMessage status=201 …
///
/// Whatever a line is about, it is one line and controls no terminal: line breaks, escapes and the like stand in it as `\n` and `\u{1b}`.
struct LineLogHandler: LogHandler {
    let format: LogFormat
    let label: String
    let lines: LogLines
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let details = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        lines.put(format.line(event, label: label, details) + [UInt8(ascii: "\n")])
    }
}

extension LogFormat {
    /// The event without its line end.
    func line(_ event: LogEvent, label: String, _ details: [(key: String, value: Logger.Metadata.Value)]) -> [UInt8] {
        switch self {
        case .json: Self.json(event, label, details)
        case .text: Self.text(event, label, details)
        }
    }

    private static func json(_ event: LogEvent, _ label: String, _ details: [(key: String, value: Logger.Metadata.Value)]) -> [UInt8] {
        let members: [(String, JSON?)] = [
            ("time", .string(Timestamp.now().description)), ("level", .string(event.level.rawValue)), ("logger", .string(label)),
            ("message", .string(LogText.neutral(event.message.description))),
        ]
        return JSON.object(members + details.map { ($0.key, json($0.value)) }).encoded()
    }

    /// Numbers stay numbers.
    private static func json(_ value: Logger.Metadata.Value) -> JSON {
        if case .stringConvertible(let number) = value {
            if let number = number as? any BinaryInteger, let integer = Int64(exactly: number) { return .integer(integer) }
            if let number = number as? Double, let real = JSON.real(number) { return real }
        }
        return .string(LogText.neutral(value.description))
    }

    private static func text(_ event: LogEvent, _ label: String, _ details: [(key: String, value: Logger.Metadata.Value)]) -> [UInt8] {
        let pairs = details.map { " \($0.key)=" + LogText.value($0.value.description) }.joined()
        return Array("\(Timestamp.now()) \(event.level.rawValue) \(label): \(LogText.neutral(event.message.description))\(pairs)".utf8)
    }
}

/// Text on its way into a line.
enum LogText {
    /// What would end the line, or speak to a terminal, is spelled out.
    static func neutral(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.reduce(into: "") { neutral, scalar in
            switch scalar {
            case "\n": neutral += "\\n"
            case "\r": neutral += "\\r"
            case "\t": neutral += "\\t"
            default: if isControl(scalar) { neutral += "\\u{\(String(scalar.value, radix: 16))}" } else { neutral.unicodeScalars.append(scalar) }
            }
        }
    }

    /// Quoted where it would not be seen to be one value.
    static func value(_ text: String) -> String {
        let neutral = neutral(text)
        guard neutral.isEmpty || neutral.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else { return neutral }
        return "\"" + neutral.reduce(into: "") { $0 += $1 == "\"" ? "\\\"" : String($1) } + "\""
    }

    /// C0, DEL, C1, and what Unicode calls line and paragraph separators and changes of direction.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
