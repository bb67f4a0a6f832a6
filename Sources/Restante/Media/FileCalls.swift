import Glibc

/// The system's calls on files, with errors that say what they mean for media. All block: `FileThreads` only.
enum FileCalls {
    static func error(_ call: String, _ code: Int32 = errno) -> MediaStoreError {
        switch code {
        case ENOSPC, EDQUOT: .outOfSpace
        default: .unavailable("\(call): \(String(cString: strerror(code)))")
        }
    }

    /// Opens a file that may be gone, which is then `missing`.
    static func open(_ path: String, _ flags: Int32) throws(MediaStoreError) -> Int32 {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw errno == ENOENT && flags & O_CREAT == 0 ? .missing : error("open \(path)") }
        return descriptor
    }

    /// Makes a folder, and those that it lies in.
    static func makeFolder(_ path: String) throws(MediaStoreError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { throw error("mkdir \(path)") }
        try makeFolder(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw error("mkdir \(path)") }
    }

    /// Makes what was entered into a folder durable.
    static func syncFolder(_ path: String) throws(MediaStoreError) {
        let folder = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw error("open \(path)") }
        defer { Glibc.close(folder) }
        guard fsync(folder) == 0 else { throw error("fsync \(path)") }
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(MediaStoreError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw error("write", count == 0 ? EIO : errno) }
            written += count
        }
    }

    /// Exactly these bytes; fewer are `missing`.
    static func read(_ count: Int, at offset: Int, of descriptor: Int32) throws(MediaStoreError) -> [UInt8] {
        var fault: MediaStoreError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in  // only what was read is counted
            while filled < count, let base = buffer.baseAddress {
                let got = pread(descriptor, base + filled, count - filled, off_t(offset + filled))
                if got < 0 && errno == EINTR { continue }
                guard got > 0 else {
                    fault = got == 0 ? .missing : error("read")
                    break
                }
                filled += got
            }
        }
        if let fault { throw fault }
        return bytes
    }

    /// The names in a folder.
    static func names(in path: String) throws(MediaStoreError) -> [String] {
        guard let folder = opendir(path) else { throw error("opendir \(path)") }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Bytes that files may still take on the disk of `path`.
    static func freeBytes(at path: String) -> Int {
        var information = statvfs()
        return statvfs(path, &information) == 0 ? freeBytes(information) : .max
    }

    /// The same for the disk that an open file is on.
    static func freeBytes(of descriptor: Int32) -> Int {
        var information = statvfs()
        return fstatvfs(descriptor, &information) == 0 ? freeBytes(information) : .max
    }

    private static func freeBytes(_ information: statvfs) -> Int {
        Int(clamping: UInt64(information.f_bavail).multipliedReportingOverflow(by: UInt64(information.f_frsize)).partialValue)
    }
}
