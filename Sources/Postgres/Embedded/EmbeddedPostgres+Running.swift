extension EmbeddedPostgres {
    /// How libpq reaches the server that another process of ours runs in this directory; nil if none is known there.
    ///
    /// Meant for after `start` has thrown `inUse`: a server that was killed may have left the file behind that this reads.
    ///
    /// Source: PostgreSQL's `src/include/utils/pidfile.h`: the fifth line of postmaster.pid is the directory of the socket.
    package static func runningConninfo(in directory: String) -> String? {
        guard let bytes = readFile(directory + "/data/postmaster.pid") else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 5, !lines[4].isEmpty else { return nil }
        return conninfo(String(lines[4]), database: "restante")
    }
}
