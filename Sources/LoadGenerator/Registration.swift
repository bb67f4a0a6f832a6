/// Registers one new user with one device for each session wanted: `sendOTP`, then `register` with the OTP it answered.
///
/// The server must run with `OTP_DELIVERY=response` and without rate limits. Several connections work at the same time.
package final class Registration: ConnectionOwner {
    private let sendOTP: RequestWriter
    private let register: RequestWriter
    private let wanted: Int
    private var nextNumber: UInt64
    private var begun = 0
    private var sessions: [Session] = []
    private var fault: String?
    /// By the connection's tag: the number it registers, and whether its OTP is already there.
    private var numbers: [(text: [UInt8], hasOTP: Bool)] = []

    /// Blocks until `count` devices are registered.
    package static func run(count: Int, connections: Int, server: ServerAddress) throws(LoadFault) -> [Session] {
        let loop = try EventLoop(server: server)
        let registration = Registration(count: count, server: server)
        registration.start(connections: min(connections, count), on: loop)
        let deadline = MonotonicClock.now.after(seconds: 300)
        let finished = loop.run(until: deadline, isDone: { registration.fault != nil || registration.sessions.count == count })
        loop.closeAll()
        if let fault = registration.fault { throw .registration(fault) }
        guard finished else { throw .registration("only \(registration.sessions.count) of \(count) within five minutes") }
        return registration.sessions
    }

    private init(count: Int, server: ServerAddress) {
        wanted = count
        sendOTP = RequestWriter(post: "/v1/sendOTP", to: server, authenticated: false)
        register = RequestWriter(post: "/v1/register", to: server, authenticated: false)
        // Ten billion numbers, and a place among them that hardly any earlier run has started at.
        nextNumber = .random(in: 1_000_000_000..<9_000_000_000)
    }

    private func start(connections: Int, on loop: EventLoop) {
        for index in 0..<connections {
            numbers.append((text: [], hasOTP: false))
            let connection = loop.makeConnection(owner: self)
            connection.tag = index
            beginNext(on: connection)
        }
    }

    private func beginNext(on connection: Connection) {
        guard begun < wanted else { return }
        begun += 1
        askForOTP(on: connection)
    }

    private func askForOTP(on connection: Connection) {
        let number = Array("+49\(nextNumber)".utf8)
        nextNumber += 1
        numbers[connection.tag] = (text: number, hasOTP: false)
        var body: [UInt8] = []
        body.append(text: "{\"mobileNumber\":\"")
        body.append(contentsOf: number)
        body.append(text: "\"}")
        connection.request { sendOTP.append(body: body, to: &$0) }
    }

    private func redeem(otp: Span<UInt8>, on connection: Connection) {
        numbers[connection.tag].hasOTP = true
        var body: [UInt8] = []
        body.append(text: "{\"mobileNumber\":\"")
        body.append(contentsOf: numbers[connection.tag].text)
        body.append(text: "\",\"otp\":\"")
        otp.withUnsafeBufferPointer { body.append(contentsOf: $0) }
        body.append(text: "\",\"device\":{\"name\":\"load\",\"type\":\"cli\"}}")
        connection.request { register.append(body: body, to: &$0) }
    }

    package func connection(_ connection: Connection, answered status: Int, body: Span<UInt8>) {
        switch (numbers[connection.tag].hasOTP, status) {
        case (false, 202):
            guard let otp = body.stringMember("otp") else {
                fault = "the answer has no otp: the server must run with OTP_DELIVERY=response"
                return
            }
            redeem(otp: body.extracting(otp), on: connection)
        case (true, 201):
            guard let userId = body.stringMember("userId").flatMap({ Identifier(body.extracting($0)) }),
                let token = body.stringMember("accessToken")
            else {
                fault = "a session without userId or accessToken"
                return
            }
            sessions.append(Session(userId: userId, accessToken: token.map { body[$0] }))
            beginNext(on: connection)
        case (true, 409):
            // An earlier run's number; the next one is free.
            askForOTP(on: connection)
        default:
            fault = "status \(status): \(body.text(in: 0..<body.count))"
        }
    }

    package func connectionLost(_ connection: Connection) {
        fault = "the connection broke"
    }
}
