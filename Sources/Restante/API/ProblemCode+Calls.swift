/// The rows of the catalogue that concern calls.
extension ProblemCode {
    var callDescription: ProblemDescription {
        switch self {
        case .callInProgress:
            row(
                "There is a call already", "The two users have a call, or this device is in one; `callId` says which.",
                remedy: "Answer that call, or end it.")
        case .busy:
            row("The user is busy", "The user rings or talks with somebody else.", remedy: "Try again later.")
        default:
            row(
                "The call is over", "The call has ended, was not answered in time, or was answered by another device.",
                remedy: "Stop ringing, and start a new call if one is wanted.")
        }
    }

    private func row(_ title: String, _ explanation: String, remedy: String) -> ProblemDescription {
        ProblemDescription(status: 409, title: title, retryable: false, explanation: explanation, remedy: remedy)
    }
}
