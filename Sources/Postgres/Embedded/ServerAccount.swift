import Glibc

/// The account under which the server runs: ours or, as it refuses to run as root, `postgres` or `nobody`.
struct ServerAccount {
    let user: uid_t
    let group: gid_t
    private let isOurs: Bool
    private let passesLockedDirectories: Bool

    private static let setpriv = "/usr/bin/setpriv"

    /// Chooses the account and makes sure that it can reach `directory`.
    ///
    /// A checkout below a home directory of mode 0700 is out of its reach; then it keeps one capability of root's, to pass
    /// and read directories whatever their mode.
    static func choose(reaching directory: String) throws(EmbeddedPostgresError) -> ServerAccount {
        guard access(setpriv, X_OK) == 0 else { throw .notInstalled("\(setpriv) is missing (Debian: apt-get install util-linux)") }
        guard geteuid() == 0 else {
            return ServerAccount(user: geteuid(), group: getegid(), isOurs: true, passesLockedDirectories: false)
        }
        guard let (user, group) = lookUp("postgres") ?? lookUp("nobody") else {
            throw .notInstalled("there is no account postgres or nobody for the server to run under")
        }
        for passes in [false, true] {
            let account = ServerAccount(user: user, group: group, isOurs: false, passesLockedDirectories: passes)
            if account.reaches(directory) { return account }
        }
        throw .unusableDirectory("user \(user) cannot reach \(directory); make the directories above it passable (chmod o+x)")
    }

    /// The command line that runs `command` as this account, and interrupts it when the thread that started it ends.
    ///
    /// Source: setpriv(1); prctl(2), PR_SET_PDEATHSIG: the signal comes when the *thread* that forked ends.
    func command(_ command: [String]) -> [String] {
        var arguments = [ServerAccount.setpriv, "--pdeathsig", "INT"]
        if !isOurs { arguments += ["--reuid", "\(user)", "--regid", "\(group)", "--clear-groups"] }
        if passesLockedDirectories { arguments += ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"] }
        return arguments + ["--"] + command
    }

    /// Makes `directory`, empty and for this account alone, unless it is there.
    func makePrivateDirectory(_ directory: String) throws(EmbeddedPostgresError) {
        if mkdir(directory, 0o700) == 0 {
            guard isOurs || lchown(directory, user, group) == 0 else {
                throw .unusableDirectory("cannot give \(directory) away: \(errorText())")
            }
        } else if errno != EEXIST {
            throw .unusableDirectory("cannot make \(directory): \(errorText())")
        }
        var status = stat()
        guard lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == user, status.st_mode & 0o077 == 0 else {
            throw .unusableDirectory("\(directory) is not a directory that only user \(user) can enter")
        }
    }

    private func reaches(_ directory: String) -> Bool {
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard null >= 0 else { return false }
        defer { close(null) }
        // Not test(1): access(2) leaves capabilities out of account.
        return ChildProcess.run(command(["/usr/bin/stat", directory + "/."]), output: null) == 0
    }

    private static func lookUp(_ name: String) -> (uid_t, gid_t)? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return (entry.pw_uid, entry.pw_gid)
    }
}
