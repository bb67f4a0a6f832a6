import ArgumentParser
import Restante

struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config", abstract: "Print the settings in force, secrets hidden; fails if one is wrong.")

    @OptionGroup var settings: SettingFlags

    func run() throws {
        print(ConfigurationReport(try settings.configuration()))
    }
}
