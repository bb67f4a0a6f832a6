import Glibc

extension ClusterDirectory {
    /// Makes the cluster beside its place and moves it there: what initdb left half-done is never taken for a cluster.
    ///
    /// Whoever can enter the socket's directory is let in without a password; nothing else is listened to.
    func initialize(with binaries: ServerBinaries, as account: ServerAccount) throws(EmbeddedPostgresError) {
        let start = fileSize(logFile)
        let output = try openLog()
        defer { close(output) }
        guard ChildProcess.run(["/bin/rm", "-rf", "--", unfinishedData], output: output) == 0 else {
            throw .unusableDirectory("cannot remove \(unfinishedData)")
        }
        try account.makePrivateDirectory(unfinishedData)
        let command = [
            binaries.initdb, "-D", unfinishedData, "--username=restante", "--data-checksums",
            "--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject",
        ]
        guard ChildProcess.run(account.command(command), output: output) == 0 else {
            throw .failed("initdb failed", logTail: logTail(after: start))
        }
        guard rename(unfinishedData, data) == 0 else {
            throw .unusableDirectory("cannot rename \(unfinishedData): \(errorText())")
        }
    }
}
