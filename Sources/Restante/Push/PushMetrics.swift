/// What came of one push, for the count.
enum PushResult: Int, EnumLabel {
    static let labelName = "result"

    case accepted, void, busy, failed, refused

    init(_ outcome: PushOutcome) {
        switch outcome {
        case .accepted: self = .accepted
        case .void: self = .void
        case .busy: self = .busy
        case .failed: self = .failed
        case .refused: self = .refused
        }
    }
}

extension PushService: EnumLabel {
    static var labelName: String { "service" }
}
