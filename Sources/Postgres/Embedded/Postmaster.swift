import Glibc

/// Keeps one server process running until it is told to stop.
///
/// A thread starts it and waits for its end; when it ended unasked, the thread waits until its last child is gone and starts
/// it again. The same thread has to live as long as the server, which is interrupted when its starter ends: so the server
/// does not outlive even a killed process.
///
///     starting ──▶ running ──▶ (ended) ──pause──▶ starting …
///         └──── stop ─────┴──────────▶ finished
final class Postmaster: Sendable {
    private struct State {
        var process: pid_t?
        var isWanted = true
        var isFinished = false
        /// Set once the server has answered; before that, its end is for the caller to report.
        var hasBeenReady = false
    }

    /// A server that ran this long was well, and is started again without a long pause.
    private static let steadySeconds = 30.0

    private let command: [String]
    private let cluster: ClusterDirectory
    private let log: @Sendable (String) -> Void
    private let state = Monitor(State())

    /// Starts a server with a thread of its own; `command` runs in the foreground and becomes the server itself.
    static func start(
        _ command: [String], in cluster: ClusterDirectory, log: @escaping @Sendable (String) -> Void
    ) -> (Postmaster, DedicatedThread) {
        let postmaster = Postmaster(command: command, cluster: cluster, log: log)
        return (postmaster, DedicatedThread(name: "postmaster") { postmaster.keepRunning() })
    }

    private init(command: [String], cluster: ClusterDirectory, log: @escaping @Sendable (String) -> Void) {
        self.command = command
        self.cluster = cluster
        self.log = log
    }

    /// Nil between two runs.
    var processId: pid_t? { state.withLock { $0.process } }

    func markReady() {
        state.withLock { $0.hasBeenReady = true }
    }

    /// Waits at most `seconds` for the end of the server and of the thread that keeps it; true if they have ended.
    func isFinished(within seconds: Double) -> Bool {
        let deadline = Deadline.after(seconds: seconds)
        return state.wait(until: { _ in deadline }) { $0.isFinished ? true : nil } ?? false
    }

    /// Shuts the server down: sessions are ended and a checkpoint written. After 8 s of that, at once; recovery comes with the next start.
    func stop() {
        state.withLock { $0.isWanted = false }
        state.broadcast()
        // Source: PostgreSQL manual, "Shutting Down the Server": SIGINT is fast, SIGQUIT immediate.
        for (signal, seconds) in [(SIGINT, 8.0), (SIGQUIT, 5.0), (SIGKILL, 5.0)] {
            // Under the lock, where the process is not yet reaped: its number is nobody else's.
            state.withLock { if let process = $0.process { kill(process, signal) } }
            if isFinished(within: seconds) { return }
        }
    }

    private func keepRunning() {
        var backoff = Backoff()
        while true {
            let start = Deadline.now
            guard runOnce() else { break }
            if start + Postmaster.steadySeconds < .now { backoff.succeed() }
            let pause = Deadline.after(seconds: backoff.fail(random: .random(in: 0...1)))
            _ = state.wait(until: { _ in pause }) { $0.isWanted ? nil : true }
            if !ClusterProcesses(clusterName: cluster.clusterName).end() { log("processes of the ended PostgreSQL do not end") }
            cluster.removeStaleLockFiles()
        }
        state.withLock { $0.isFinished = true }
        state.broadcast()
    }

    /// One life of the server; true if it is to be started again.
    private func runOnce() -> Bool {
        guard let process = spawn() else { return state.withLock { $0.isWanted && $0.hasBeenReady } }
        var information = siginfo_t()
        // WNOWAIT leaves the process to be reaped below, under the lock.
        while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        let isWanted = state.withLock { state in
            var status: Int32 = 0
            waitpid(process, &status, 0)
            state.process = nil
            return state.isWanted && state.hasBeenReady
        }
        if isWanted { log("PostgreSQL has ended unexpectedly and is started again") }
        return isWanted
    }

    private func spawn() -> pid_t? {
        do {
            let output = try cluster.openLog()
            defer { close(output) }
            return state.withLock { state in
                guard state.isWanted else { return nil }
                state.process = ChildProcess.spawn(command, output: output)
                return state.process
            }
        } catch {
            log("\(error)")
            return nil
        }
    }
}
