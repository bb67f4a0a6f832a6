import Glibc

/// The directory of one private cluster, held by one process at a time.
///
///     lock          flock(2)ed while a process uses the directory; the kernel lets go when that process ends
///     data/         PostgreSQL's own
///     data.new/     while initdb works; a half-made cluster is thrown away, never used
///     socket/       the unix socket, mode 0700: who can enter it is who may connect
///     postgres.log
final class ClusterDirectory: Sendable {
    let path: String
    /// Names this cluster in the titles of all its processes; made from the path.
    let clusterName: String
    private let lock: Int32

    /// Longest path of a unix socket, less the name of the socket's file. Source: unix(7), `sun_path`.
    private static let longestSocketDirectory = 107 - "/.s.PGSQL.5432".utf8.count
    private static let longestLog = 8 << 20

    /// Makes the directory if it is not there, and takes hold of it.
    init(holding directory: String) throws(EmbeddedPostgresError) {
        try makeDirectories(directory)
        path = try absolutePath(directory)
        clusterName = "restante-" + hexadecimal(fingerprint(of: path))
        lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw .unusableDirectory("cannot open \(path)/lock: \(errorText())") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw .inUse("\(path) is in use by another process")
        }
        if fileSize(logFile) > ClusterDirectory.longestLog { rename(logFile, logFile + ".1") }
    }

    deinit {
        close(lock)
    }

    /// Lets another use the directory. Safe to call twice.
    func letGo() {
        flock(lock, LOCK_UN)
    }

    var data: String { path + "/data" }
    var unfinishedData: String { path + "/data.new" }
    var logFile: String { path + "/postgres.log" }

    /// In the directory itself or, where that path is too long for a socket, in the temporary directory.
    var socketDirectory: String {
        let own = path + "/socket"
        return own.utf8.count <= ClusterDirectory.longestSocketDirectory ? own : "/tmp/" + clusterName
    }

    /// The major version that made the cluster; nil when there is none yet.
    var majorVersion: Int? {
        guard let bytes = readFile(data + "/PG_VERSION") else { return nil }
        return Int(trimmed(String(decoding: bytes, as: UTF8.self)))
    }

    /// Opens the log for appending; the caller closes it.
    func openLog() throws(EmbeddedPostgresError) -> Int32 {
        let file = open(logFile, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .unusableDirectory("cannot open \(logFile): \(errorText())") }
        return file
    }

    /// What was logged after the first `start` bytes, or the end of it.
    func logTail(after start: Int) -> String {
        let limit = 2048
        let bytes = readFile(logFile, from: max(start, fileSize(logFile) - limit), limit: limit) ?? []
        return trimmed(String(decoding: bytes, as: UTF8.self))
    }

    /// Removes what a server that was killed left behind to say that it runs. Only when none of its processes does: the number
    /// in these files may by now be anybody's, and PostgreSQL would then refuse to start.
    func removeStaleLockFiles() {
        unlink(data + "/postmaster.pid")
        unlink(socketDirectory + "/.s.PGSQL.5432.lock")
        unlink(socketDirectory + "/.s.PGSQL.5432")
    }

    /// The one inside the directory stays with it.
    func removeTemporarySocketDirectory() {
        if socketDirectory != path + "/socket" { rmdir(socketDirectory) }
    }
}

/// FNV-1a, 64 bits: short, stable, and no secret.
private func fingerprint(of text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

private func hexadecimal(_ value: UInt64) -> String {
    String(value, radix: 16)
}
