import HTTPClient
import Logging

/// The push services for which the operator has given credentials.
enum PushSettings {
    /// What is wrong with the settings of push as a whole: half of a service is none.
    static func faults(in configuration: Configuration) -> [String] {
        var faults: [String] = []
        let apns = [
            ("APNS_KEY", configuration.apnsKey), ("APNS_KEY_ID", configuration.apnsKeyId), ("APNS_TEAM_ID", configuration.apnsTeamId),
            ("APNS_TOPIC", configuration.apnsTopic),
        ]
        let missing = apns.filter { $0.1 == nil }.map(\.0)
        if !missing.isEmpty && missing.count < apns.count {
            faults.append("APNS_KEY, APNS_KEY_ID, APNS_TEAM_ID and APNS_TOPIC belong together: \(missing.joined(separator: ", ")) not set")
        }
        return faults
    }

    /// Whether anything is set.
    static func isSet(_ configuration: Configuration) -> Bool { configuration.fcmCredentials != nil || configuration.apnsKey != nil }

    /// The providers that are in force; none where nothing is set.
    static func providers(_ configuration: Configuration, client: HTTPClient?) -> [PushService: any PushProvider] {
        guard let client else { return [:] }
        var providers: [PushService: any PushProvider] = [:]
        if let text = configuration.fcmCredentials, let credentials = try? FCMCredentials(json: text) {
            providers[.fcm] = FCMProvider(credentials, baseURL: configuration.fcmURL, client: client)
        }
        if let credentials = apns(configuration) {
            providers[.apn] = APNsProvider(credentials, baseURL: configuration.apnsURL, client: client)
        }
        return providers
    }

    /// How the client for push services is set: HTTP/2, small answers, nothing that takes long.
    static func clientSettings(_ configuration: Configuration) -> HTTPClientSettings {
        var settings = HTTPClientSettings()
        settings.version = .http2
        settings.largestResponse = 65_536
        settings.extraCAFile = configuration.tlsCAFile
        return settings
    }

    /// What is in force, in words, without secrets: for `check-config`.
    static func summary(_ configuration: Configuration) -> String {
        var parts: [String] = []
        if let text = configuration.fcmCredentials, let credentials = try? FCMCredentials(json: text) {
            parts.append("FCM for project \(credentials.projectId) at \(configuration.fcmURL)")
        }
        if let credentials = apns(configuration) {
            parts.append("APNs for \(credentials.topic) at \(configuration.apnsURL)")
        }
        return parts.isEmpty ? "push: off, nobody is woken" : "push: " + parts.joined(separator: "; ")
    }

    private static func apns(_ configuration: Configuration) -> APNsCredentials? {
        guard let key = configuration.apnsKey.flatMap(APNsCredentials.key), let keyId = configuration.apnsKeyId,
            let teamId = configuration.apnsTeamId, let topic = configuration.apnsTopic
        else { return nil }
        return APNsCredentials(key: key, keyId: keyId, teamId: teamId, topic: topic)
    }
}
