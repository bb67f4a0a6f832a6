import ArgumentParser
import Foundation
import Restante

/// The settings as flags: the table of settings knows them, so here they are only handed on.
struct SettingFlags: ParsableArguments {
    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings, as --port 8080; see: restante check-config", valueName: "settings"))
    var arguments: [String] = []

    /// Reads the configuration from these flags and the environment.
    func configuration() throws -> Configuration {
        try Configuration.read(arguments: arguments, environment: ProcessInfo.processInfo.environment)
    }
}
