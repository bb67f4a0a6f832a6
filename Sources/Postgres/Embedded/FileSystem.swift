import Glibc

// The few things asked of the file system here, without Foundation.

func errorText(_ code: Int32 = errno) -> String {
    strerror(code).map { String(cString: $0) } ?? "errno \(code)"
}

func fileExists(_ path: String) -> Bool {
    access(path, F_OK) == 0
}

/// Makes a directory and those above it that are missing. Passable for the server's account, readable for the owner only.
func makeDirectories(_ path: String) throws(EmbeddedPostgresError) {
    guard !path.isEmpty, !fileExists(path) else { return }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeDirectories(String(path[..<slash])) }
    guard mkdir(path, 0o711) == 0 || errno == EEXIST else { throw .unusableDirectory("cannot make \(path): \(errorText())") }
}

func absolutePath(_ path: String) throws(EmbeddedPostgresError) -> String {
    guard let resolved = realpath(path, nil) else { throw .unusableDirectory("cannot resolve \(path): \(errorText())") }
    defer { free(resolved) }
    return String(cString: resolved)
}

/// What a file holds from `offset` on, at most `limit` bytes; nil when it cannot be read.
func readFile(_ path: String, from offset: Int = 0, limit: Int = 65_536) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
        while count < limit {
            let got = pread(file, buffer.baseAddress.map { $0 + count }, limit - count, off_t(offset + count))
            guard got > 0 else { return }
            count += got
        }
    }
    return bytes
}

func fileSize(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
}

/// The paths that match a shell pattern, in order.
func paths(matching pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, 0, nil, &found) == 0 else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
}
