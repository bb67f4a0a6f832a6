import Testing

@testable import Restante

@Suite struct PushSettingsTests {
    private func faults(_ environment: [String: String]) -> [String] {
        do {
            _ = try Configuration.read(arguments: [], environment: environment)
            return []
        } catch {
            return error.faults
        }
    }

    private let apple = [
        "RESTANTE_APNS_KEY": ExampleKeys.ellipticCurve, "RESTANTE_APNS_KEY_ID": "ABCDE12345", "RESTANTE_APNS_TEAM_ID": "TEAM123456",
        "RESTANTE_APNS_TOPIC": "example.restante",
    ]

    @Test(arguments: ["APNS_KEY", "APNS_KEY_ID", "APNS_TEAM_ID", "APNS_TOPIC"])
    func halfOfAppleIsOneFaultThatNamesWhatIsMissing(key: String) {
        var environment = apple
        environment["RESTANTE_" + key] = nil
        #expect(faults(environment) == ["APNS_KEY, APNS_KEY_ID, APNS_TEAM_ID and APNS_TOPIC belong together: \(key) not set"])
        #expect(faults(apple) == [])
    }

    @Test func whatIsInForceIsSaidWithoutSecrets() throws {
        let environment = apple.merging(["RESTANTE_FCM_CREDENTIALS": ExampleKeys.serviceAccount]) { $1 }
        let report = ConfigurationReport(try Configuration.read(arguments: [], environment: environment)).description
        #expect(
            report.hasSuffix(
                "push: FCM for project poste-1 at https://fcm.googleapis.com; APNs for example.restante at https://api.push.apple.com"))
        #expect(!report.contains("PRIVATE KEY"))
        #expect(ConfigurationReport(Configuration()).description.hasSuffix("push: off, nobody is woken"))
    }

    @Test(arguments: [
        "", "{", "[]", "{}", ExampleKeys.serviceAccount(type: "authorized_user"), ExampleKeys.serviceAccount(projectId: "../other"),
        ExampleKeys.serviceAccount(projectId: ""), ExampleKeys.serviceAccount(privateKey: "no key"),
        ExampleKeys.serviceAccount(privateKey: ExampleKeys.ellipticCurve),
    ])
    func whatIsNoServiceAccountIsNotTaken(text: String) {
        #expect(throws: FCMCredentials.Fault.self) { try FCMCredentials(json: text) }
    }

    @Test func aFaultySecretIsNotShown() {
        let found = faults(["RESTANTE_FCM_CREDENTIALS": #"{"type": "hunter2"}"#, "RESTANTE_APNS_KEY": "hunter2"])
        #expect(found.count == 2)
        #expect(!found.contains { $0.contains("hunter2") })
    }

    @Test(arguments: [
        "http://fcm.example", "https://", "https://fcm.example/", "https://fcm.example/v1", "ftp://fcm.example", "https://user@fcm.example",
        "http://localhost.example", "fcm.example",
    ])
    func anAddressOfAServiceIsHTTPSWithoutAPath(text: String) {
        #expect(faults(["RESTANTE_FCM_URL": text]).count == 1)
    }

    @Test(arguments: ["https://fcm.example", "https://fcm.example:8443", "https://[::1]:8443", "http://127.0.0.1:9000", "http://localhost:9000"])
    func anAddressOfAServiceIsTaken(text: String) throws {
        #expect(try Configuration.read(arguments: [], environment: ["RESTANTE_FCM_URL": text]).fcmURL == text)
    }
}
