import ArgumentParser
import Restante

struct MigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Change the schema of the configured database, one transaction for each migration.",
        subcommands: [Up.self, Down.self, Status.self, New.self])

    /// Where the migrations come from.
    struct Source: ParsableArguments {
        @Option(name: .customLong("dir"), help: "Read the migrations from this folder instead of those compiled in.")
        var folder: String?

        func list() throws -> MigrationList {
            if let folder { return try MigrationList.folder(folder) }
            return try MigrationList.embedded()
        }
    }

    struct Up: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Apply every migration that is pending.")
        @OptionGroup var source: Source
        @OptionGroup var settings: SettingFlags

        func run() throws {
            let runner = MigrationRunner(try source.list()) { print($0) }
            try DatabaseAccess.withConnection(try settings.configuration()) { try runner.up($0) }
        }
    }

    struct Down: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Undo the last migration, or all after a version.")
        @Option(name: .customLong("to"), help: "Undo every migration after this version; 0 undoes all.")
        var version: Int?
        @OptionGroup var source: Source
        @OptionGroup var settings: SettingFlags

        func run() throws {
            let runner = MigrationRunner(try source.list()) { print($0) }
            try DatabaseAccess.withConnection(try settings.configuration()) { try runner.down(to: version, $0) }
        }
    }

    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the migrations and whether they are applied; fails unless all fit.")
        @OptionGroup var source: Source
        @OptionGroup var settings: SettingFlags

        func run() throws {
            let list = try source.list()
            let applied = try DatabaseAccess.withConnection(try settings.configuration()) { try SchemaHistory.read($0) }
            print(MigrationReport(applied: applied, known: list.migrations))
            if SchemaState(applied: applied, known: list.migrations).refusal != nil { throw ExitCode.failure }
        }
    }

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Write an empty migration with the next version into ./migrations.")
        @Option(name: .customLong("dir"), help: "Write it into this folder.")
        var folder = "migrations"
        @Argument(help: "What it does, in lower-case letters, digits and underscores: add_polls")
        var name: String

        func run() throws {
            print(try MigrationList.create(name, in: folder))
        }
    }
}
