import ArgumentParser

@main
struct RestanteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restante",
        abstract: "A messaging server over plain HTTP.",
        discussion: """
            Every setting can be given as a flag or as an environment variable, --port 8080 or RESTANTE_PORT=8080; secrets also as the name of \
            a file that holds them, RESTANTE_DATABASE_URL_FILE. `restante check-config` lists them all.
            """,
        subcommands: [ServeCommand.self, MigrateCommand.self, CheckConfigCommand.self, DoctorCommand.self, RoutesCommand.self],
        defaultSubcommand: ServeCommand.self)
}
