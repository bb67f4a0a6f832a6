/// Why the private server could not be started. The text is for whoever started the process.
package enum EmbeddedPostgresError: Error, Sendable, CustomStringConvertible {
    /// No PostgreSQL server is installed, or none that can read the cluster.
    case notInstalled(String)
    /// Another process uses the directory.
    case inUse(String)
    /// The directory cannot be made or used.
    case unusableDirectory(String)
    /// A program of the server's failed; with the end of its log.
    case failed(String, logTail: String)

    package var description: String {
        switch self {
        case .notInstalled(let reason), .inUse(let reason), .unusableDirectory(let reason): reason
        case .failed(let reason, let logTail): logTail.isEmpty ? reason : "\(reason); its log ends with:\n\(logTail)"
        }
    }
}
