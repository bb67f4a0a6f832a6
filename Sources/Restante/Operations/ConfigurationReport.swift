/// What is in force, for `check-config`: one line for each setting, secrets hidden.
package struct ConfigurationReport: CustomStringConvertible {
    private let configuration: Configuration

    package init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    package var description: String {
        let rows = SettingsTable.settings.map { setting in
            [setting.key, value(of: setting), origin(of: setting), "\(setting.description) (\(setting.domain))"]
        }
        return TextTable(header: ["SETTING", "VALUE", "FROM", "WHAT"], rows: rows).description + "\n" + PushSettings.summary(configuration)
    }

    private func value(of setting: Setting) -> String {
        guard let value = setting.show(configuration) else { return "-" }
        return setting.isSecret ? "(hidden)" : value
    }

    private func origin(of setting: Setting) -> String {
        configuration.origins[setting.key]?.name ?? "default"
    }
}

/// However a configuration is printed, its secrets stay hidden.
extension Configuration: CustomStringConvertible, CustomReflectable {
    package var description: String { ConfigurationReport(self).description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
