/// How many daemons and connections a server may have, as the configuration says or the descriptor limit allows.
struct ServerCapacity: Equatable {
    let daemonsPerWorker: Int
    let connections: Int

    /// Keeps up to 256 descriptors for the database, files, and refusals.
    init(_ configuration: ServerConfiguration, descriptors: Int) throws(ServerError) {
        let fault =
            !(1...64).contains(configuration.workers)
            ? "workers is 1 to 64"
            : !(1...65_536).contains(configuration.daemonsPerWorker ?? 1)
                ? "daemonsPerWorker is 1 to 65,536"
                : !(1...0x3FFF_FFFF).contains(configuration.connectionLimit ?? 1)
                    ? "connectionLimit is at least 1"
                    : !(2048...1_048_576).contains(configuration.connectionMemory) ? "connectionMemory is 2,048 to 1,048,576" : nil
        if let fault { throw .configuration(fault) }
        daemonsPerWorker = configuration.daemonsPerWorker ?? max(16, min(8192, descriptors / 20))
        let reserve = min(256, descriptors / 4)
        connections = configuration.connectionLimit ?? max(16, descriptors - configuration.workers * daemonsPerWorker - reserve)
    }
}
