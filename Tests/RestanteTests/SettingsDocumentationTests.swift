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

    @Test func theTableInREADMEHasEachSettingAsItIs() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../README.md")
        let readme = try String(contentsOf: path, encoding: .utf8)
        let rows = readme.split(separator: "\n").map(String.init).filter { $0.hasPrefix("| `RESTANTE_") }
        #expect(rows == SettingsTable.settings.map(Self.row))
    }
}
