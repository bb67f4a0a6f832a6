import ArgumentParser
import Restante

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Serve until SIGTERM. The default command.")

    @OptionGroup var settings: SettingFlags

    func run() throws {
        try Application.serve(try settings.configuration())
    }
}
