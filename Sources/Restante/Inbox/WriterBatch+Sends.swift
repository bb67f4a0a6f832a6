import Postgres

/// A send of the batch with its id.
struct Send {
    let message: OutgoingMessage
    let messageId: Identifier
    let completion: @Sendable (Result<SendOutcome, any Error>) -> Void
}

extension WriterBatch {
    func append(_ call: Postgres.Call?, to calls: inout [Postgres.Call]) -> Int? {
        guard let call else { return nil }
        calls.append(call)
        return calls.count - 1
    }

    func assignIdentifiers(_ tasks: inout [PendingTask]) -> [Send] {
        var sends: [Send] = []
        for index in tasks.indices {
            guard case .send(let message, let completion) = tasks[index].task else { continue }
            let messageId = tasks[index].messageId ?? identifiers.next()
            tasks[index].messageId = messageId
            sends.append(Send(message: message, messageId: messageId, completion: completion))
        }
        return sends
    }

    func lock(_ sends: [Send]) -> Postgres.Call {
        .init(InboxStatements.lockSends, [.uuids(sends.map(\.message.sender.userId)), .uuids(sends.map(\.message.clientMessageId))])
    }

    func columns(of sends: [Send]) -> [Parameter] {
        [
            .uuids(sends.map(\.messageId)), .uuids(sends.map(\.message.sender.userId)), .uuids(sends.map(\.message.sender.deviceId)),
            .uuids(sends.map(\.message.target.identifier)), .uuids(sends.map(\.message.clientMessageId)),
            .byteArrays(sends.map(\.message.fingerprint)), .byteArrays(sends.map(\.message.body)),
            .optionalUUIDs(sends.map(\.message.mediaId)), .optionalInt32s(sends.map { $0.message.expiresIn.map { Int32(clamping: $0) } }),
        ]
    }

    func resolve(
        _ sends: [Send], _ rows: Rows, _ begun: UInt64, on connection: Connection, into committed: inout CommittedBatch
    ) throws(PostgresError) {
        var accepted: [Identifier: (recipients: [Identifier], own: [Identifier])] = [:]
        for row in rows { accepted[try row.uuid(0)] = (recipients: try row.uuids(1), own: try row.uuids(2)) }
        let others = sends.filter { accepted[$0.messageId] == nil }
        let found = find(others, on: connection)
        for send in sends {
            if let devices = accepted[send.messageId] {
                deliver(send, devices.recipients, devices.own, begun, into: &committed)
                committed.sends.append((send.message, send.completion, .sent(send.messageId)))
            } else {
                committed.note(send, found, else: .unknownTarget)
            }
        }
    }

    /// What became of sends that wrote nothing; of an unknown target there is no outcome. The batch is committed by now: where this fails, it is the
    /// fault of these alone.
    func find(_ sends: [Send], on connection: Connection) -> Result<[Identifier: SendOutcome], PostgresError> {
        guard !sends.isEmpty else { return .success([:]) }
        return Result { () throws(PostgresError) in try outcomes(of: sends, on: connection) }
    }

    private func outcomes(of sends: [Send], on connection: Connection) throws(PostgresError) -> [Identifier: SendOutcome] {
        let rows = try connection.execute(
            InboxStatements.findSends,
            [
                .uuids(sends.map(\.messageId)), .uuids(sends.map(\.message.sender.userId)), .uuids(sends.map(\.message.clientMessageId)),
                .uuids(sends.map(\.message.sender.deviceId)),
            ])
        let fingerprints = Dictionary(uniqueKeysWithValues: sends.map { ($0.messageId, $0.message.fingerprint) })
        var outcomes: [Identifier: SendOutcome] = [:]
        for row in rows {
            let wanted = try row.uuid(0)
            guard let stored = try row.optionalUUID(1) else {
                if try !row.bool(3) { outcomes[wanted] = .senderGone }
                continue
            }
            let isSame = try row.bytes(2) == fingerprints[wanted]
            // Its own id stands there where an earlier attempt had been committed after all.
            outcomes[wanted] = !isSame ? .reused : stored == wanted ? .sent(stored) : .replayed(stored)
        }
        return outcomes
    }

    func deliver(
        _ send: Send, _ recipients: [Identifier], _ own: [Identifier], _ begun: UInt64, into committed: inout CommittedBatch
    ) {
        if !recipients.isEmpty {
            let item = InboxItem(messageId: send.messageId, text: Array(#""direction":"in","#.utf8) + send.message.body)
            for device in recipients { committed.deliveries.append(Delivery(deviceId: device, item: item, begun: begun, wakes: true)) }
        }
        if !own.isEmpty {
            let item = InboxItem(messageId: send.messageId, text: send.message.outHead + send.message.body)
            for device in own { committed.deliveries.append(Delivery(deviceId: device, item: item, begun: begun)) }
        }
    }
}

extension OutgoingMessage {
    /// How the item begins for the sender's other devices.
    var outHead: [UInt8] {
        var text = Array(#""direction":"out","#.utf8)
        if case .user(let recipient) = target { text += Array(#""to":"\#(recipient)","#.utf8) }
        return text
    }

    /// The ciphertexts of a message that has one for each device; nil for all others.
    var deviceCiphertexts: [DeviceCiphertext]? {
        if case .each(let ciphertexts) = ciphertexts { ciphertexts } else { nil }
    }
}

extension OutgoingMessage.Target {
    var identifier: Identifier {
        switch self {
        case .user(let identifier), .group(let identifier): identifier
        }
    }

    var isGroup: Bool {
        if case .group = self { true } else { false }
    }
}
