import Glibc

/// The running processes of one cluster, found by the cluster's name, which PostgreSQL puts into all their titles.
///
/// A process that was killed may leave its server running for a moment, and a server that was killed leaves its backends.
/// No new server can start before all are gone.
struct ClusterProcesses {
    let clusterName: String

    private static let pauseMicroseconds: UInt32 = 20_000

    /// Ends all of them, as gently as they allow; false if some still run.
    func end() -> Bool {
        let found = running()
        guard !found.isEmpty else { return true }
        let postmasters = found.filter(\.isPostmaster)
        // SIGINT is fast shutdown for the postmaster; backends that lost theirs end by themselves or on SIGTERM.
        if postmasters.isEmpty { signal(found, SIGTERM) } else { signal(postmasters, SIGINT) }
        if areGone(within: postmasters.isEmpty ? 5 : 60) { return true }
        signal(running(), SIGQUIT)
        if areGone(within: 10) { return true }
        signal(running(), SIGKILL)
        return areGone(within: 5)
    }

    private struct Process {
        let id: pid_t
        let isPostmaster: Bool
    }

    private func areGone(within seconds: Double) -> Bool {
        let deadline = Deadline.after(seconds: seconds)
        while !running().isEmpty {
            guard Deadline.now < deadline else { return false }
            usleep(ClusterProcesses.pauseMicroseconds)
        }
        return true
    }

    private func signal(_ processes: [Process], _ signal: Int32) {
        for process in processes { kill(process.id, signal) }
    }

    /// Reads every command line: `…/postgres -D … -c cluster_name=NAME` for a postmaster, `postgres: NAME: …` for the others.
    private func running() -> [Process] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var processes: [Process] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard let id = pid_t(name), let line = readFile("/proc/\(id)/cmdline", limit: 8192) else { continue }
            let text = String(decoding: line, as: UTF8.self)
            let program = text.prefix { $0 != "\0" }
            let isPostmaster = program.hasSuffix("/postgres")
            guard isPostmaster || program.hasPrefix("postgres:"), text.contains(clusterName) else { continue }
            processes.append(Process(id: id, isPostmaster: isPostmaster))
        }
        return processes
    }
}
