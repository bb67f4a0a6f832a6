/// A credential that is good for a while: made when it is first needed, kept, and made anew before it ends. However many need it, one at a time makes it.
actor RenewedCredential {
    /// A credential, and until when to use it, in seconds of uptime.
    struct Made: Sendable {
        let value: String
        let goodUntil: Double
    }

    private let make: @Sendable () async throws -> Made
    private var current: (made: Made, since: Double)?
    private var making: Task<Made, any Error>?

    init(make: @escaping @Sendable () async throws -> Made) {
        self.make = make
    }

    func value(at now: Double) async throws -> String {
        if let current, now < current.made.goodUntil { return current.made.value }
        let task = making ?? Task { try await make() }
        making = task
        defer { if making == task { making = nil } }
        let made = try await task.value
        if current?.made.value != made.value { current = (made, now) }
        return made.value
    }

    /// The service did not accept this value. A younger one than `age` seconds is kept all the same: a new one would fare no better.
    func reject(_ value: String, olderThan age: Double, at now: Double) -> Bool {
        guard let current, current.made.value == value else { return true }
        guard now - current.since >= age else { return false }
        self.current = nil
        return true
    }
}
