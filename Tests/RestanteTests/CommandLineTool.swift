import Foundation

/// The built `restante` command, run as an operator runs it.
enum CommandLineTool {
    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs the command to its end. Of this process's environment it sees nothing that is a setting.
    static func run(_ arguments: [String], environment settings: [String: String] = [:], in folder: TemporaryFolder) throws -> Outcome {
        let process = Process()
        // The tests and the command are built into the same folder.
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "restante")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("RESTANTE_") }.merging(settings) { $1 }
        process.currentDirectoryURL = URL(filePath: folder.path)
        // Files, not pipes: a pipe that nobody empties would stop the command.
        let outputPath = folder.write("stdout", "")
        let errorsPath = folder.write("stderr", "")
        process.standardOutput = FileHandle(forWritingAtPath: outputPath)
        process.standardError = FileHandle(forWritingAtPath: errorsPath)
        try process.run()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOfFile: outputPath, encoding: .utf8),
            errors: try String(contentsOfFile: errorsPath, encoding: .utf8))
    }
}
