/// What keeps a run from starting or from meaning anything; what the server refuses during a run is counted, not thrown.
package enum LoadFault: Error, CustomStringConvertible {
    case invalidServer(String)
    case system(call: String, code: Int32)
    case registration(String)
    case sessions(String)
    case notOpened(opened: Int, wanted: Int)
    case notHeld(held: Int, wanted: Int)
    case noSuchProcess(Int32)

    package var description: String {
        switch self {
        case .invalidServer(let text): "\(text) is no server address: http://HOST:PORT is expected"
        case .system(let call, let code): "\(call) failed with errno \(code)"
        case .registration(let reason): "devices could not be registered: \(reason)"
        case .sessions(let reason): "the sessions file is of no use: \(reason)"
        case .notOpened(let opened, let wanted): "only \(opened) of \(wanted) connections could be opened"
        case .notHeld(let held, let wanted): "only \(held) of \(wanted) polls were held in time"
        case .noSuchProcess(let process): "there is no process \(process) to measure"
        }
    }
}
