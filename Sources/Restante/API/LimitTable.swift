/// Every bound that the server keeps and tells its clients in `GET /v1/limits`.
///
/// The raw value is the name on the wire; an operator sets it as `RESTANTE_LIMIT_<NAME>` (`RESTANTE_LIMIT_GROUP_MEMBERS`).
package enum LimitName: String, CaseIterable, Sendable {
    case groupMembers, devicesPerUser, contentBytes, captionCharacters, lookupNumbers, oneTimeKeysPerDevice
    case requestBytes, ciphertextsBytes, uploadKeysBytes
    case otpSeconds, otpAttempts, otpResendSeconds, otpPerNumber, otpVoicePerNumber, otpPerAddress
    case otpPerBlock, otpUnverifiedPerPrefix, otpPerDay
    case pollSeconds, inboxItems, acknowledgeIds, pageItems
    case newContactsPerDay, lookupsPerUser, blockedUsers, groupsCreatedPerDay, groupJoinsPerDay, groupChangesPerUser
    case keyUploadsPerDevice, keyClaimsPerUser, keyClaimsPerDevice
    case mediaBytes, mediaBytesPerDay, mediaUploadsAtOnce, mediaUploadsPerDay, mediaDownloadsAtOnce
    case callRingSeconds, callSeconds, callsPerDay, callSignalsPerDevice
    case messagesPerDevice, typingPerDevice, requestsPerDevice, requestsPerAddress

    /// The row of this limit: what it counts, where it starts and how far it may be set.
    package var row: LimitRow {
        switch self {
        case .groupMembers: LimitRow(1024, .members, 2...100_000, "members of one group")
        case .devicesPerUser: LimitRow(10, .devices, 1...100, "devices of one user")
        case .contentBytes: LimitRow(65_536, .bytes, 1...65_536, "the content of one message, in UTF-8")
        case .captionCharacters: LimitRow(1_024, .characters, 1...4_096, "the caption of media in a message")
        case .requestBytes: LimitRow(131_072, .bytes, 4_096...1_048_576, "a JSON request body")
        case .ciphertextsBytes: LimitRow(1_048_576, .bytes, 131_072...8_388_608, "the request body of a send with ciphertexts")
        case .uploadKeysBytes: LimitRow(524_288, .bytes, 4_096...1_048_576, "the request body of uploadKeys")
        case .lookupNumbers: LimitRow(500, .numbers, 1...500, "mobile numbers in one lookupUsers")
        case .oneTimeKeysPerDevice: LimitRow(1_000, .keys, 100...10_000, "one-time keys of one kind that wait for one device's sessions")
        case .otpSeconds: LimitRow(300, .seconds, 30...3_600, "how long an OTP is good")
        case .otpAttempts: LimitRow(5, .attempts, 1...10, "wrong tries until an OTP is void")
        case .otpResendSeconds:
            LimitRow(60, .seconds, 0...3_600, "the wait before a second OTP for the same number; it grows to 2, 5 and 10 times as long")
        case .otpPerNumber: LimitRow(5, .perDay, 1...1_000, "OTPs for one mobile number")
        case .otpVoicePerNumber: LimitRow(2, .perDay, 0...1_000, "of these, OTPs by voice call; 0: none")
        case .otpPerAddress: LimitRow(50, .perDay, 1...1_000_000, "OTPs asked for from one address (IPv6: one /64)")
        case .otpPerBlock: LimitRow(20, .perHour, 1...1_000_000, "OTPs for numbers that differ in their last three digits only")
        case .otpUnverifiedPerPrefix:
            LimitRow(20, .perDay, 1...1_000_000, "OTPs for numbers with the same first six digits while less than a tenth of them is used")
        case .otpPerDay: LimitRow(10_000, .perDay, 1...100_000_000, "OTPs of the whole system, on all nodes, in any 24 hours")
        case .pollSeconds: LimitRow(55, .seconds, 1...55, "how long a poll may ask to wait")
        case .inboxItems: LimitRow(500, .items, 1...500, "items of one fetchMessages")
        case .acknowledgeIds: LimitRow(500, .items, 1...500, "message ids in one acknowledgement or markRead")
        case .pageItems: LimitRow(200, .items, 1...200, "items of one page of any other list")
        case .newContactsPerDay: LimitRow(1_000, .perDay, 1...1_000_000, "mobile numbers new to one user's lookups")
        case .lookupsPerUser: LimitRow(60, .perMinute, 1...1_000_000, "times that one user looks mobile numbers up")
        case .blockedUsers: LimitRow(10_000, .users, 1...100_000, "users whom one user has blocked")
        case .groupsCreatedPerDay: LimitRow(50, .perDay, 1...1_000_000, "groups that one user creates")
        case .groupJoinsPerDay: LimitRow(100, .perDay, 1...1_000_000, "invite codes that one user tries, good or not")
        case .groupChangesPerUser: LimitRow(120, .perMinute, 1...1_000_000, "changes of groups that one user makes")
        case .keyUploadsPerDevice: LimitRow(200, .perDay, 1...1_000_000, "times that one device uploads keys")
        case .keyClaimsPerUser: LimitRow(600, .perMinute, 1...1_000_000, "times that one user claims keys")
        case .keyClaimsPerDevice:
            LimitRow(6, .perTenMinutes, 0...1_000, "claims by one user that take one-time keys of one device; it stands whatever RATE_LIMITS says")
        case .mediaBytes: LimitRow(104_857_600, .bytes, 1...1 << 50, "one upload")
        case .mediaBytesPerDay: LimitRow(5_368_709_120, .bytesPerDay, 1...1 << 60, "what one user uploads, each upload counted as 65,536 at least")
        case .mediaUploadsAtOnce: LimitRow(8, .uploads, 1...1_000, "uploads of one user that are under way on one node")
        case .mediaUploadsPerDay: LimitRow(2_000, .perDay, 1...1_000_000, "uploads that one user begins, resumable or not")
        case .mediaDownloadsAtOnce: LimitRow(16, .downloads, 1...1_000, "downloads of one user that are under way on one node")
        case .callRingSeconds: LimitRow(60, .seconds, 5...120, "how long a call rings")
        case .callSeconds: LimitRow(86_400, .seconds, 60...604_800, "how long a call lasts at most")
        case .callsPerDay: LimitRow(100, .perDay, 1...1_000_000, "calls that one user starts")
        case .callSignalsPerDevice: LimitRow(600, .perMinute, 1...1_000_000, "signals of calls that one device sends")
        case .messagesPerDevice: LimitRow(600, .perMinute, 1...1_000_000, "messages that one device sends, and times that it marks some as read")
        case .typingPerDevice: LimitRow(120, .perMinute, 1...1_000_000, "typing signals that one device sends")
        case .requestsPerDevice: LimitRow(3_000, .perMinute, 1...10_000_000, "requests of one device")
        case .requestsPerAddress: LimitRow(120, .perMinute, 1...10_000_000, "requests without a good token from one address (IPv6: one /64)")
        }
    }

    /// The name as it stands in a setting's key: `GROUP_MEMBERS`.
    package var settingName: String {
        rawValue.reduce(into: "") { name, letter in
            name += letter.isUppercase ? "_\(letter)" : letter.uppercased()
        }
    }
}

/// One line of the table of limits.
package struct LimitRow: Sendable {
    package let standard: Int
    package let unit: LimitUnit
    package let range: ClosedRange<Int>
    package let description: String

    init(_ standard: Int, _ unit: LimitUnit, _ range: ClosedRange<Int>, _ description: String) {
        self.standard = standard
        self.unit = unit
        self.range = range
        self.description = description
    }
}

/// What a limit counts; the raw value is the `unit` on the wire.
package enum LimitUnit: String, Sendable {
    case members, users, devices, bytes, characters, numbers, items, keys, seconds, attempts, uploads, downloads
    case perMinute = "per minute"
    case perTenMinutes = "per 10 minutes"
    case perHour = "per hour"
    case perDay = "per day"
    case bytesPerDay = "bytes per day"

    /// The seconds in which an empty bucket of this unit fills again; nil for a cap.
    ///
    /// A bucket holds as many tokens as its limit's value and refills evenly, so the value is the burst and the rate in one.
    package var bucketSeconds: Int? {
        switch self {
        case .perMinute: 60
        case .perTenMinutes: 600
        case .perHour: 3_600
        case .perDay: 86_400
        default: nil
        }
    }
}

/// The limits in force.
package struct LimitTable: Sendable {
    private var changed: [LimitName: Int] = [:]

    package init() {}

    package subscript(name: LimitName) -> Int {
        get { changed[name] ?? name.row.standard }
        set { changed[name] = newValue }
    }
}
