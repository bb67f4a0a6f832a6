/// Who brings a wake-up to a device.
enum PushService: String, CaseIterable, Sendable {
    /// Firebase Cloud Messaging.
    case fcm = "FCM"
    /// The Apple Push Notification service.
    case apn = "APN"
}

/// Under which name a push service knows an app on a device, as the device registered it.
struct PushToken: Sendable {
    let token: String
    let type: PushService
    let deviceInfo: String?
}
