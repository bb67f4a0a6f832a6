import Glibc

/// Where an installed PostgreSQL server keeps its programs.
struct ServerBinaries {
    let directory: String

    var initdb: String { directory + "/initdb" }
    var postgres: String { directory + "/postgres" }

    /// The newest installed server or, for a cluster that exists, the one of the cluster's major version.
    ///
    /// `PG_BINDIR` in the environment settles it; otherwise Debian's places are looked at, then `PATH`.
    static func find(forMajorVersion version: Int?) throws(EmbeddedPostgresError) -> ServerBinaries {
        if let chosen = getenv("PG_BINDIR").map({ String(cString: $0) }), !chosen.isEmpty {
            guard isComplete(chosen) else { throw .notInstalled("PG_BINDIR=\(chosen) holds no PostgreSQL server") }
            return ServerBinaries(directory: chosen)
        }
        let installed = paths(matching: "/usr/lib/postgresql/*/bin").filter(isComplete)
            .map { (directory: $0, version: majorVersion(inPath: $0)) }
            .sorted { ($0.version ?? 0) > ($1.version ?? 0) }
        if let match = installed.first(where: { version == nil || $0.version == version }) {
            return ServerBinaries(directory: match.directory)
        }
        let searched = getenv("PATH").map { String(cString: $0) } ?? ""
        if installed.isEmpty, let directory = searched.split(separator: ":").map(String.init).first(where: isComplete) {
            return ServerBinaries(directory: directory)
        }
        guard let version else { throw .notInstalled("no PostgreSQL server is installed (Debian: apt-get install postgresql)") }
        throw .notInstalled("the cluster was made by PostgreSQL \(version), which is not installed")
    }

    private static func isComplete(_ directory: String) -> Bool {
        access(directory + "/initdb", X_OK) == 0 && access(directory + "/postgres", X_OK) == 0
    }

    private static func majorVersion(inPath path: String) -> Int? {
        path.split(separator: "/").compactMap { Int($0) }.last
    }
}
