import Glibc
import JSON
import Logging

/// Where log lines go: standard error, as text or as one JSON object a line.
enum LogOutput {
    static func logger(_ configuration: Configuration) -> Logger {
        var logger = Logger(label: "restante") { label in
            switch configuration.logFormat {
            case .text: StreamLogHandler.standardError(label: label)
            case .json: JSONLogHandler(label: label)
            }
        }
        logger.logLevel = configuration.logLevel
        return logger
    }
}

/// Writes `{"time", "level", "logger", "message", …metadata}`.
struct JSONLogHandler: LogHandler {
    let label: String
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let members: [(String, JSON?)] = [
            ("time", .string(Timestamp.now().description)), ("level", .string(event.level.rawValue)), ("logger", .string(label)),
            ("message", .string(event.message.description)),
        ]
        let details = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        var line = JSON.object(members + details.map { ($0.key, .string($0.value.description)) }).encoded()
        line.append(UInt8(ascii: "\n"))
        // One write for each line, so that lines of several threads do not mix.
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
