import CLibpq
import Glibc

/// Starts and waits for other programs.
enum ChildProcess {
    /// Starts a program by its absolute path, with nothing of this process but `output` (its standard output and error):
    /// no descriptor, no environment, no signal mask, no terminal. Returns its process id, or nil with errno set.
    static func spawn(_ arguments: [String], output: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        // A listening socket that outlived this process in its child would keep the port taken.
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        posix_spawn_file_actions_addchdir_np(&actions, "/")

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // A session of its own, so that Ctrl-C in the terminal reaches only this process, which then stops the child in order.
        let flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(RESTANTE_SPAWN_SETSID)
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var process = pid_t()
        let error = withCStrings(arguments) { argumentPointers in
            withCStrings(environment) { posix_spawn(&process, arguments[0], &actions, &attributes, argumentPointers, $0) }
        }
        guard error == 0 else {
            errno = error
            return nil
        }
        return process
    }

    /// Starts a program and waits for its end; its exit status, or nil if it could not run or was killed.
    static func run(_ arguments: [String], output: Int32) -> Int32? {
        guard let process = spawn(arguments, output: output) else { return nil }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { return nil }
        }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : nil
    }

    /// Fixed, so that no PG… variable of the caller's changes what the server does.
    private static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"]
}

/// Lends strings as the NULL-terminated array that exec wants.
private func withCStrings<T>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> T) -> T {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
}
