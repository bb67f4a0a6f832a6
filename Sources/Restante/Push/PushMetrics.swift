/// What came of one push, for the count.
enum PushResult: Int, EnumLabel {
    static let labelName = "result"

    case accepted, void, busy, failed, refused

    init(_ outcome: PushOutcome, _ verdict: SendLine.Verdict) {
        switch outcome {
        case .accepted: self = .accepted
        case .void: self = .void
        case .foreign: if case .void = verdict { self = .void } else { self = .refused }
        case .busy: self = .busy
        case .failed: self = .failed
        case .refused: self = .refused
        }
    }
}

extension PushService: EnumLabel {
    static var labelName: String { "service" }
}
