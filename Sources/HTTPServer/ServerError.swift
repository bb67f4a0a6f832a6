/// Why a server could not be started.
package enum ServerError: Error, Equatable, CustomStringConvertible {
    /// A value of the configuration is out of its range.
    case configuration(String)
    /// The host cannot be resolved.
    case host(String, reason: String)
    /// The address is taken, or may not be used.
    case bind(host: String, port: UInt16, errno: Int32)
    /// A system call failed.
    case system(String, errno: Int32)
    /// libmicrohttpd would not start a daemon.
    case daemon

    package var description: String {
        switch self {
        case .configuration(let detail): detail
        case .host(let host, let reason): "cannot resolve \(host): \(reason)"
        case .bind(let host, let port, let code): "cannot listen on \(host) port \(port): \(errnoText(code))"
        case .system(let call, let code): "\(call): \(errnoText(code))"
        case .daemon: "libmicrohttpd did not start"
        }
    }
}
