import ArgumentParser
import Restante

struct RoutesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "routes", abstract: "List the API: method, path and operation of each endpoint.")

    func run() {
        for line in RouteList.lines { print(line) }
    }
}
