import Glibc

/// The settings of the private server, given on its command line, where no file in the cluster can weaken them.
///
/// Full durability: what is committed survives a crash of the machine. The rest fits a small machine that runs this process too.
struct ServerSettings {
    let clusterName: String
    let socketDirectory: String

    var arguments: [String] {
        settings.flatMap { ["-c", "\($0.0)=\($0.1)"] }
    }

    private var settings: [(String, String)] {
        [
            ("cluster_name", clusterName),
            ("listen_addresses", ""),
            ("port", "5432"),
            ("unix_socket_directories", quoted(socketDirectory)),
            ("unix_socket_permissions", "0700"),
            ("max_connections", "200"),

            ("fsync", "on"),
            ("synchronous_commit", "on"),
            ("full_page_writes", "on"),
            ("wal_sync_method", "fdatasync"),
            ("wal_level", "replica"),
            ("wal_compression", "lz4"),
            ("wal_buffers", "32MB"),
            ("max_wal_size", "4GB"),
            ("checkpoint_timeout", "15min"),

            ("shared_buffers", "\(ServerSettings.sharedMegabytes)MB"),
            ("random_page_cost", "1.1"),
            ("jit", "off"),
            // Parallel queries would take shared memory that small containers do not have.
            ("max_parallel_workers_per_gather", "0"),
            // The inbox is a queue: its dead rows are to be found before they fill the cache.
            ("autovacuum_naptime", "5s"),

            // A backend in a long query notices that its client is gone.
            ("client_connection_check_interval", "2s"),
            ("idle_in_transaction_session_timeout", "60s"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("log_line_prefix", "%m [%p] "),
            ("log_checkpoints", "off"),
        ]
    }

    /// A sixteenth of the memory, from 64 to 512 MB.
    private static var sharedMegabytes: Int {
        let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        return min(max(min(memory, containerMemory) / 16 / 1_048_576, 64), 512)
    }

    /// What the control group allows; cgroups(7), version 2.
    private static var containerMemory: Int {
        let limit = readFile("/sys/fs/cgroup/memory.max").map { trimmed(String(decoding: $0, as: UTF8.self)) }
        return limit.flatMap { Int($0) } ?? .max
    }

    /// `unix_socket_directories` is a list of identifiers, so a comma or a capital wants quotes.
    private func quoted(_ path: String) -> String {
        "\"" + path.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
