/// Brings wake-ups to devices through a push service.
protocol PushProvider: Sendable {
    /// Sends one wake-up. Never waits longer than four times its HTTP client's total timeout: a new credential may be needed, and that twice.
    func send(_ wakeUp: WakeUp) async -> PushOutcome
}

/// What a device is told: that something waits. There is nothing else in it, so that no push service learns who writes to whom, or what.
struct WakeUp: Sendable, Equatable {
    let token: String
    let urgency: Urgency
    /// For how long a push service keeps it for a device that is off.
    let seconds: Int

    /// `age`: seconds since it was known that the device is to be woken.
    init(token: String, urgency: Urgency, age: Double = 0) {
        self.token = token
        self.urgency = urgency
        seconds = urgency == .message ? Urgency.longestSeconds : max(1, Urgency.ringSeconds - Int(age))
    }

    enum Urgency: Sendable, Equatable {
        case message
        /// Somebody rings: of use for a minute only.
        case call
    }
}

extension WakeUp.Urgency {
    /// Source: Firebase, message lifespan: at most four weeks.
    fileprivate static let longestSeconds = 2_419_200
    /// For what tries it may have needed: a ring that comes later rings for nobody.
    static let ringSeconds = 60

    /// A later one takes the place of an earlier one that still waits. Of two kinds: a ring, short-lived as it is, must not displace what tells of messages.
    var collapseKey: String { self == .message ? "wake" : "ring" }
}

/// What a push service answered.
enum PushOutcome: Sendable, Equatable {
    case accepted
    /// The token is good no more. `since`: milliseconds since 1970, where the service says when it learnt so.
    case void(since: Int64?)
    /// The token is not one of the app that this server has credentials for. It may be the credentials that are another app's.
    case foreign(String)
    /// Too fast: again after so many seconds. `everyone`: it is not only about this token.
    case busy(seconds: Double?, everyone: Bool)
    /// The service is not there, or does not accept this server; later it may.
    case failed(String, seconds: Double?)
    /// It will never take this.
    case refused(String)
}
