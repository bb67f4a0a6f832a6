import JSON
import Postgres

/// An event on its way between nodes, as the JSON text of a NOTIFY.
struct WakeMessage: Sendable, Equatable {
    let node: Identifier
    let event: WakeEvent

    init(node: Identifier, event: WakeEvent) {
        self.node = node
        self.event = event
    }

    var payload: String {
        let (kind, devices, item): (String, [Identifier], [UInt8]?) =
            switch event {
            case .arrived(let devices): ("arrived", devices, nil)
            case .shown(let item, let devices): ("shown", devices, item)
            case .polling(let device): ("polling", [device], nil)
            case .revoked(let devices): ("revoked", devices, nil)
            case .present(let users): ("present", users, nil)
            case .absent(let users): ("absent", users, nil)
            case .subscribed(let device): ("subscribed", [device], nil)
            }
        let message = JSON.object([
            "node": .string(node.description),
            "event": .string(kind),
            "devices": .array(devices.map { .string($0.description) }),
            "item": item.flatMap { JSON.string(utf8: $0) },
        ])
        return String(decoding: message.encoded(), as: UTF8.self)
    }

    /// Nil for a text that this version does not understand.
    init?(_ payload: String) {
        guard let message = try? JSON.parse(Array(payload.utf8)), let node = message["node"]?.string.flatMap({ Identifier($0) }) else { return nil }
        let devices = message["devices"]?.elements.compactMap { $0.string.flatMap { Identifier($0) } } ?? []
        let event: WakeEvent
        switch message["event"]?.string {
        case "arrived": event = .arrived(devices)
        case "shown":
            guard let item = message["item"]?.utf8 else { return nil }
            event = .shown(item, devices)
        case "polling":
            guard let device = devices.first else { return nil }
            event = .polling(device)
        case "revoked": event = .revoked(devices)
        case "present": event = .present(devices)
        case "absent": event = .absent(devices)
        case "subscribed":
            guard let device = devices.first else { return nil }
            event = .subscribed(device)
        default: return nil
        }
        self.init(node: node, event: event)
    }
}

extension WakeEvent {
    /// The same in events of at most so many devices each.
    func parts(of most: Int) -> [WakeEvent] {
        func split(_ devices: [Identifier]) -> [[Identifier]] {
            stride(from: 0, to: devices.count, by: most).map { Array(devices[$0..<min($0 + most, devices.count)]) }
        }
        return switch self {
        case .arrived(let devices): split(devices).map { .arrived($0) }
        case .shown(let item, let devices): split(devices).map { .shown(item, $0) }
        case .revoked(let devices): split(devices).map { .revoked($0) }
        case .present(let users): split(users).map { .present($0) }
        case .absent(let users): split(users).map { .absent($0) }
        case .polling, .subscribed: [self]
        }
    }
}
