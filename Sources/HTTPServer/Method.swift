import Glibc

/// The request methods that reach the application, which has no use for the last two and says so.
package enum Method: Sendable {
    case get, head, post, put, patch, delete, options, trace, connect

    package var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .connect: "CONNECT"
        }
    }

    /// Whether a request of this method may have a body.
    var allowsBody: Bool {
        switch self {
        case .post, .put, .patch: true
        case .get, .head, .delete, .options, .trace, .connect: false
        }
    }

    /// Reads a request line's method. Methods are case-sensitive. Source: RFC 9110, 9.1.
    init(token: UnsafePointer<CChar>) throws(Rejection) {
        if strcmp(token, "GET") == 0 {
            self = .get
        } else if strcmp(token, "POST") == 0 {
            self = .post
        } else if strcmp(token, "HEAD") == 0 {
            self = .head
        } else if strcmp(token, "PUT") == 0 {
            self = .put
        } else if strcmp(token, "PATCH") == 0 {
            self = .patch
        } else if strcmp(token, "DELETE") == 0 {
            self = .delete
        } else if strcmp(token, "OPTIONS") == 0 {
            self = .options
        } else if strcmp(token, "TRACE") == 0 {
            self = .trace
        } else if strcmp(token, "CONNECT") == 0 {
            self = .connect
        } else {
            throw .unsupportedMethod
        }
    }
}
