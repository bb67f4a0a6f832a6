import Glibc

/// Everything that is wrong with the operator's settings, one line for each fault.
package struct ConfigurationFaults: Error, CustomStringConvertible {
    package let faults: [String]

    package var description: String {
        "The configuration has \(faults.count == 1 ? "a fault" : "\(faults.count) faults"):\n" + faults.map { "  \($0)" }.joined(separator: "\n")
    }
}

extension Configuration {
    /// Reads the settings from flags, environment and secret files; a flag wins over the environment, both win over the default.
    ///
    /// `arguments` are what the command line holds besides the command's own options, `environment` the whole environment of the process:
    /// a name in it that starts with `RESTANTE_` and is no setting is a fault, because a misspelt setting would otherwise be a silent default.
    /// An empty value in the environment is the same as none.
    package static func read(arguments: [String], environment: [String: String]) throws(ConfigurationFaults) -> Configuration {
        var reader = ConfigurationReader()
        reader.read(environment: environment)
        reader.read(arguments: arguments)
        return try reader.finish()
    }
}

/// Gathers the text of every setting, and every fault, before anything is judged as a whole.
private struct ConfigurationReader {
    private var texts: [String: (text: String, origin: ConfigurationOrigin)] = [:]
    private var faults: [String] = []

    mutating func read(environment: [String: String]) {
        var unknown = Set(environment.keys.filter { $0.hasPrefix(Setting.environmentPrefix) })
        for setting in SettingsTable.settings {
            unknown.remove(setting.environmentName)
            let value = environment[setting.environmentName].flatMap { $0.isEmpty ? nil : $0 }
            if let value { texts[setting.key] = (value, .environment(setting.environmentName)) }

            guard let fileName = setting.fileEnvironmentName else { continue }
            unknown.remove(fileName)
            guard let path = environment[fileName], !path.isEmpty else { continue }
            guard value == nil else {
                faults.append("\(setting.environmentName) and \(fileName) are both set: keep one")
                continue
            }
            read(setting, fromFile: path, namedBy: fileName)
        }
        for name in unknown.sorted() {
            faults.append("\(name) is no setting" + suggestion(for: name, among: SettingsTable.settings.flatMap(\.environmentNames)))
        }
    }

    /// Takes `--key value` and `--key=value`.
    mutating func read(arguments: [String]) {
        let byFlag = Dictionary(uniqueKeysWithValues: SettingsTable.settings.map { ($0.flag, $0) })
        var given: Set<String> = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let flag = String(parts[0])
            guard let setting = byFlag[flag] else {
                faults.append("\(flag) is not understood" + suggestion(for: flag, among: Array(byFlag.keys)))
                // The value of a misspelt flag is not a second mistake.
                if flag.hasPrefix("--"), parts.count == 1, let next = rest.first, !next.hasPrefix("--") { rest.removeFirst() }
                continue
            }
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst(), !value.isEmpty else {
                faults.append("\(flag) needs a value")
                continue
            }
            guard given.insert(flag).inserted else {
                faults.append("\(flag) is given twice")
                continue
            }
            texts[setting.key] = (value, .flag(flag))
        }
    }

    func finish() throws(ConfigurationFaults) -> Configuration {
        var configuration = Configuration()
        var faults = self.faults
        for setting in SettingsTable.settings {
            guard let (text, origin) = texts[setting.key] else { continue }
            if let fault = setting.store(text, &configuration) {
                faults.append("\(origin.name) \(fault.reason)" + (setting.isSecret ? "" : ", not \"\(text)\""))
            } else {
                configuration.origins[setting.key] = origin
            }
        }
        faults += SettingsTable.conflicts(in: configuration)
        guard faults.isEmpty else { throw ConfigurationFaults(faults: faults) }
        return configuration
    }

    private mutating func read(_ setting: Setting, fromFile path: String, namedBy name: String) {
        switch SecretFile.read(path) {
        case .success(let text) where text.isEmpty: faults.append("\(name): \(path) is empty")
        case .success(let text): texts[setting.key] = (text, .file(name))
        case .failure(let failure): faults.append("\(name): \(path): \(failure.reason)")
        }
    }

    private func suggestion(for name: String, among names: [String]) -> String {
        Spelling.nearest(to: name, among: names).map { ": did you mean \($0)?" } ?? ""
    }
}

extension Setting {
    fileprivate var environmentNames: [String] { [environmentName] + (fileEnvironmentName.map { [$0] } ?? []) }
}

extension ConfigurationOrigin {
    /// The name under which the operator gave the value.
    package var name: String {
        switch self {
        case .flag(let name), .environment(let name), .file(let name): name
        }
    }
}
