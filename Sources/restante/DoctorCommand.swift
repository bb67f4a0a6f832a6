import ArgumentParser
import Foundation
import Restante

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look for what would keep the server from working well, and say what to do.")

    @OptionGroup var settings: SettingFlags

    func run() throws {
        let findings = Doctor.examine(arguments: settings.arguments, environment: ProcessInfo.processInfo.environment)
        print(TextTable(header: ["", "CHECK", "FINDING"], rows: findings.map { [$0.verdict.rawValue, $0.check, $0.text] }))
        if findings.contains(where: { $0.verdict == .fail }) { throw ExitCode.failure }
    }
}
