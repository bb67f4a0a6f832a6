import Glibc

/// The key under which short secrets (OTPs) are hashed, so that the database alone does not give them away.
package enum ServerSecret {
    package struct Unavailable: Error, CustomStringConvertible {
        package let description: String
    }

    /// `SERVER_SECRET`, or 32 random bytes that the first start makes and keeps in `server-secret` under `DATA_DIR`, mode 0600.
    ///
    /// Several nodes on one database need the same secret, hence the setting.
    package static func load(_ configuration: Configuration) throws(Unavailable) -> [UInt8] {
        if let secret = configuration.serverSecret { return Array(secret.utf8) }
        let directory = configuration.dataDirectory
        let path = directory + "/server-secret"
        if case .success(let bytes) = SecretFile.readBytes(path) { return try checked(bytes, path) }

        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else { throw unavailable(directory, .fromErrno()) }
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        if case .failure(let failure) = SecretFile.create(path, bytes) { throw unavailable(path, failure) }
        switch SecretFile.readBytes(path) {
        case .success(let bytes): return try checked(bytes, path)
        case .failure(let failure): throw unavailable(path, failure)
        }
    }

    private static func checked(_ bytes: [UInt8], _ path: String) throws(Unavailable) -> [UInt8] {
        guard bytes.count >= 32 else {
            throw Unavailable(description: "\(path) is shorter than 32 bytes: remove it, and it is made anew (pending OTPs become void)")
        }
        return bytes
    }

    private static func unavailable(_ path: String, _ failure: SecretFile.Failure) -> Unavailable {
        Unavailable(description: "The server's secret cannot be kept: \(path): \(failure.reason)")
    }
}
