import Foundation
import Testing

@testable import Restante

/// The table of settings in README says what the program says.
@Suite struct SettingsDocumentationTests {
    /// The default of one setting is another on each machine.
    private static func defaultText(of setting: Setting) -> String {
        guard setting.key != "HTTP_WORKERS" else { return "half of the cores" }
        return setting.defaultText.map { "`\($0)`" } ?? ""
    }

    private static func row(of setting: Setting) -> String {
        let what = "\(setting.description) (\(setting.domain))".replacing("|", with: "\\|").replacing("<", with: "\\<")
        return "| `\(setting.environmentName)` | \(defaultText(of: setting)) | \(what) |"
    }

    private static func readme() throws -> String {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../README.md")
        return try String(contentsOf: path, encoding: .utf8)
    }

    @Test func everySecretThatAFileMayHoldIsNamed() throws {
        let named = try Self.readme().matches(of: /RESTANTE_([A-Z0-9_]+)_FILE`/).map { String($0.1) }
        #expect(Set(named) == Set(SettingsTable.settings.filter(\.isSecret).map(\.key)).union(["TLS_CA"]))
    }

    @Test func theTableInREADMEHasEachSettingAsItIs() throws {
        let rows = try Self.readme().split(separator: "\n").map(String.init).filter { $0.hasPrefix("| `RESTANTE_") }
        #expect(rows == SettingsTable.settings.map(Self.row))
    }
}
