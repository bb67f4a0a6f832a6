import HTTPServer
import Logging

/// One thing that an operator can set: a row of the settings table.
package struct Setting: Sendable {
    /// `DATABASE_URL`; the flag and the environment variables are named after it.
    package let key: String
    /// What it is, in words: its type, its range, its unit.
    package let domain: String
    /// Never printed; can be read from a file.
    package let isSecret: Bool
    package let description: String
    /// Puts the text into the configuration, or says what is wrong with it.
    let store: @Sendable (String, inout Configuration) -> SettingFault?
    /// The value in force as text; nil if there is none.
    let show: @Sendable (Configuration) -> String?

    /// `--database-url`
    package var flag: String { "--" + key.lowercased().map { $0 == "_" ? "-" : String($0) }.joined() }
    /// `RESTANTE_DATABASE_URL`
    package var environmentName: String { Setting.environmentPrefix + key }
    /// `RESTANTE_DATABASE_URL_FILE`, for secrets.
    package var fileEnvironmentName: String? { isSecret ? environmentName + "_FILE" : nil }
    /// The default as text; nil if there is none.
    package var defaultText: String? { show(Configuration()) }

    static let environmentPrefix = "RESTANTE_"
}

/// Why a text is not a value of its setting, worded to follow the setting's name: "must be …".
struct SettingFault {
    let reason: String
}

extension Setting {
    typealias Field<Value> = any WritableKeyPath<Configuration, Value> & Sendable

    /// A whole number in decimal digits.
    static func number(
        _ key: String, _ field: Field<Int>, _ range: ClosedRange<Int>, unit: String? = nil,
        _ description: String
    ) -> Setting {
        let domain = "\(range.lowerBound)..\(range.upperBound)" + (unit.map { " " + $0 } ?? "")
        return Setting(key: key, domain: domain, isSecret: false, description: description) { text, configuration in
            guard let value = Int(text), range.contains(value) else { return SettingFault(reason: "must be a whole number in \(domain)") }
            configuration[keyPath: field] = value
            return nil
        } show: { configuration in
            String(configuration[keyPath: field])
        }
    }

    /// A whole number in decimal digits, or nothing.
    static func optionalNumber(_ key: String, _ field: Field<Int?>, _ range: ClosedRange<Int>, _ description: String) -> Setting {
        let domain = "\(range.lowerBound)..\(range.upperBound)"
        return Setting(key: key, domain: domain, isSecret: false, description: description) { text, configuration in
            guard let value = Int(text), range.contains(value) else { return SettingFault(reason: "must be a whole number in \(domain)") }
            configuration[keyPath: field] = value
            return nil
        } show: { configuration in
            configuration[keyPath: field].map(String.init)
        }
    }

    /// One of a fixed set of words.
    static func choice<Value: CaseIterable & RawRepresentable<String> & SendableMetatype>(
        _ key: String, _ field: Field<Value>, _ description: String
    ) -> Setting {
        let words = Value.allCases.map(\.rawValue).joined(separator: " | ")
        return Setting(key: key, domain: words, isSecret: false, description: description) { text, configuration in
            guard let value = Value(rawValue: text) else { return SettingFault(reason: "must be one of \(words)") }
            configuration[keyPath: field] = value
            return nil
        } show: { configuration in
            configuration[keyPath: field].rawValue
        }
    }

    /// A text that is always there.
    static func text(_ key: String, _ field: Field<String>, _ domain: String, _ description: String) -> Setting {
        Setting(key: key, domain: domain, isSecret: false, description: description) { text, configuration in
            configuration[keyPath: field] = text
            return nil
        } show: { configuration in
            configuration[keyPath: field]
        }
    }

    /// A text that may be absent.
    static func optionalText(_ key: String, _ field: Field<String?>, _ domain: String, _ description: String) -> Setting {
        Setting(key: key, domain: domain, isSecret: false, description: description) { text, configuration in
            configuration[keyPath: field] = text
            return nil
        } show: { configuration in
            configuration[keyPath: field]
        }
    }

    /// Letters, digits, dots and hyphens of ASCII: an id that somebody else gave out.
    static func word(
        _ key: String, _ field: Field<String?>, _ domain: String, _ description: String, check: @escaping @Sendable (String) -> Bool
    ) -> Setting {
        Setting(key: key, domain: domain, isSecret: false, description: description) { text, configuration in
            guard text.utf8.allSatisfy(isWordByte), check(text) else { return SettingFault(reason: "must be \(domain)") }
            configuration[keyPath: field] = text
            return nil
        } show: { configuration in
            configuration[keyPath: field]
        }
    }

    /// The beginning of the URLs of a service: https, or http on this machine; without a slash at its end.
    static func url(_ key: String, _ field: Field<String>, _ description: String) -> Setting {
        Setting(key: key, domain: "https URL without a path", isSecret: false, description: description) { text, configuration in
            let isPlain = ["http://127.0.0.1", "http://localhost", "http://[::1]"].contains { text == $0 || text.hasPrefix($0 + ":") }
            let rest = text.drop { $0 != "/" }.dropFirst(2)
            guard isPlain || text.hasPrefix("https://"), !rest.isEmpty, rest.utf8.allSatisfy(isHostByte) else {
                return SettingFault(reason: "must be an https URL without a path (http only to this machine)")
            }
            configuration[keyPath: field] = text
            return nil
        } show: { configuration in
            configuration[keyPath: field]
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        isWordByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]")
    }

    /// A value with a written form of its own; `read` gives nil for what is none.
    static func form<Value: SendableMetatype>(
        _ key: String, _ field: Field<Value>, _ domain: String, _ description: String,
        read: @escaping @Sendable (String) -> Value?, show: @escaping @Sendable (Value) -> String?
    ) -> Setting {
        Setting(key: key, domain: domain, isSecret: false, description: description) { text, configuration in
            guard let value = read(text) else { return SettingFault(reason: "must be \(domain)") }
            configuration[keyPath: field] = value
            return nil
        } show: { configuration in
            show(configuration[keyPath: field])
        }
    }

    /// An address to listen on; `localhost` is taken as 127.0.0.1, other names are not looked up.
    static func address(_ key: String, _ field: Field<String>, _ description: String) -> Setting {
        Setting(key: key, domain: "IPv4 or IPv6 address", isSecret: false, description: description) { text, configuration in
            let address = text == "localhost" ? "127.0.0.1" : text
            guard PeerAddress(text: address) != nil else { return SettingFault(reason: "must be an IPv4 or IPv6 address") }
            configuration[keyPath: field] = address
            return nil
        } show: { configuration in
            configuration[keyPath: field]
        }
    }

    /// A text that must not be seen; `check` says what is wrong with it without quoting it.
    static func secret(
        _ key: String, _ field: Field<String?>, _ domain: String, _ description: String,
        check: @escaping @Sendable (String) -> Bool
    ) -> Setting {
        Setting(key: key, domain: domain, isSecret: true, description: description) { text, configuration in
            guard check(text) else { return SettingFault(reason: "must be \(domain)") }
            configuration[keyPath: field] = text
            return nil
        } show: { configuration in
            configuration[keyPath: field]
        }
    }

    /// A limit of the API.
    static func limit(_ name: LimitName) -> Setting {
        .number("LIMIT_" + name.settingName, \.limits[name], name.row.range, unit: name.row.unit.rawValue, name.row.description)
    }
}
