import Glibc

/// Looks for what would keep the server from working well, in the order in which it would meet it.
package enum Doctor {
    package struct Finding: Sendable {
        package enum Verdict: String, Sendable {
            case ok, warn, fail
        }

        package let verdict: Verdict
        package let check: String
        /// What was found and, unless that is fine, what to do.
        package let text: String
    }

    /// Makes every check that still can be made; takes what `Configuration.read` takes.
    package static func examine(arguments: [String], environment: [String: String]) -> [Finding] {
        let descriptors = descriptors()
        let configuration: Configuration
        do {
            configuration = try Configuration.read(arguments: arguments, environment: environment)
        } catch {
            return error.faults.map { Finding(verdict: .fail, check: "configuration", text: $0) } + [descriptors]
        }
        let read = Finding(
            verdict: .ok, check: "configuration", text: "\(configuration.origins.count) settings given, the others have their defaults")
        return [read, dataDirectory(configuration), descriptors] + DatabaseExamination.findings(configuration)
    }

    private static func dataDirectory(_ configuration: Configuration) -> Finding {
        let path = configuration.dataDirectory
        guard mkdir(path, 0o755) == 0 || errno == EEXIST, access(path, W_OK | X_OK) == 0 else {
            return Finding(verdict: .fail, check: "data directory", text: "\(path): \(String(cString: strerror(errno))). Make it, or set DATA_DIR")
        }
        return Finding(verdict: .ok, check: "data directory", text: "\(path) can be written to")
    }

    /// Every client that waits holds one descriptor.
    private static func descriptors() -> Finding {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let text = "\(limit.rlim_cur) open files at most, \(limit.rlim_max) if asked for"
        let advice = ". Each waiting client needs one: raise it with ulimit -n or LimitNOFILE="
        if limit.rlim_max < 1_024 { return Finding(verdict: .fail, check: "file descriptors", text: text + advice) }
        if limit.rlim_max < 20_000 { return Finding(verdict: .warn, check: "file descriptors", text: text + advice) }
        return Finding(verdict: .ok, check: "file descriptors", text: text)
    }
}
