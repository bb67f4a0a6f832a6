import Postgres

// Encrypted sends: each device gets a text of its own, and the database says whether the devices are the right ones.

extension WriterBatch {
    func encryptedCall(_ sends: [Send]) -> Postgres.Call {
        let given = sends.enumerated().flatMap { index, send -> [(number: Int64, ciphertext: DeviceCiphertext)] in
            (send.message.deviceCiphertexts ?? []).map { (Int64(index + 1), $0) }
        }
        return .init(
            EncryptedSendStatements.send,
            [
                .uuids(sends.map(\.messageId)), .uuids(sends.map(\.message.sender.userId)), .uuids(sends.map(\.message.sender.deviceId)),
                .uuids(sends.map(\.message.target.identifier)), .bools(sends.map(\.message.target.isGroup)),
                .uuids(sends.map(\.message.clientMessageId)), .byteArrays(sends.map(\.message.fingerprint)),
                .byteArrays(sends.map(\.message.body)), .optionalUUIDs(sends.map(\.message.mediaId)),
                .optionalInt32s(sends.map { $0.message.expiresIn.map { Int32(clamping: $0) } }),
                .bools(sends.map { $0.message.deviceCiphertexts == nil }),
                .int64s(given.map(\.number)), .uuids(given.map(\.ciphertext.deviceId)), .int64s(given.map(\.ciphertext.registrationId)),
                .byteArrays(given.map { Ciphertexts.itemEnd($0.ciphertext.text) }), .int64(Self.sharedBytes),
            ])
    }

    func resolveEncrypted(
        _ sends: [Send], _ rows: Rows, _ begun: UInt64, on connection: Connection, into committed: inout CommittedBatch
    ) throws(PostgresError) {
        var accepted: [Int: (recipients: [Identifier], own: [Identifier])] = [:]
        var changes: [Int: DeviceChanges] = [:]
        for row in rows {
            let index = Int(try row.int64(0)) - 1
            let (first, second, third) = (try row.uuids(2), try row.uuids(3), try row.uuids(4))
            if try row.bool(1) {
                accepted[index, default: ([], [])].recipients += first
                accepted[index, default: ([], [])].own += second
            } else {
                changes[index] = DeviceChanges(missing: first, extra: second, stale: third)
            }
        }
        let others = sends.indices.filter { accepted[$0] == nil }.map { sends[$0] }
        let found = find(others, on: connection)
        for (index, send) in sends.enumerated() {
            if let devices = accepted[index] {
                if let ciphertexts = send.message.deviceCiphertexts {
                    deliver(send, ciphertexts, own: Set(devices.own), to: Set(devices.recipients + devices.own), begun, into: &committed)
                } else {
                    deliver(send, devices.recipients, devices.own, begun, into: &committed)
                }
                committed.sends.append((send.message, send.completion, .sent(send.messageId)))
            } else {
                // What was sent before stays sent, whatever devices there are by now.
                committed.note(send, found, else: changes[index].map(SendOutcome.devicesChanged) ?? .unknownTarget)
            }
        }
    }

    /// - Parameter devices: those for which a copy was written; of somebody who has blocked the sender, none.
    private func deliver(
        _ send: Send, _ ciphertexts: [DeviceCiphertext], own: Set<Identifier>, to devices: Set<Identifier>, _ begun: UInt64,
        into committed: inout CommittedBatch
    ) {
        for ciphertext in ciphertexts where devices.contains(ciphertext.deviceId) {
            let isOwn = own.contains(ciphertext.deviceId)
            let head = isOwn ? send.message.outHead : Array(#""direction":"in","#.utf8)
            let item = InboxItem(messageId: send.messageId, text: head + send.message.body + Ciphertexts.itemEnd(ciphertext.text))
            committed.deliveries.append(Delivery(deviceId: ciphertext.deviceId, item: item, begun: begun, wakes: !isOwn))
        }
    }
}

extension [Send] {
    /// Those with and those without content that the server can read.
    var divided: (plain: [Send], encrypted: [Send]) {
        guard contains(where: { $0.message.ciphertexts != nil }) else { return (self, []) }
        return (filter { $0.message.ciphertexts == nil }, filter { $0.message.ciphertexts != nil })
    }
}
