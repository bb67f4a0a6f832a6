import Crypto
import Glibc
import Postgres
import Synchronization

/// A file that an upload is gathered in. It is locked while this is in use, so that nobody else writes it, and so that what a
/// crash leaves behind can be told from what is still being written: the lock ends with its process.
///
/// All methods block: `FileThreads` only. One upload uses it, one call at a time.
final class IncomingFile: Sendable {
    let path: String
    private let state: Mutex<State>

    private struct State {
        let descriptor: Int32
        var hash = SHA256()
        /// Bytes that are in the file, on disk or not.
        var size: Int
    }

    private init(path: String, descriptor: Int32, size: Int) {
        self.path = path
        state = Mutex(State(descriptor: descriptor, size: size))
    }

    deinit {
        state.withLock { _ = Glibc.close($0.descriptor) }
    }

    /// Makes an empty file.
    static func make(_ path: String) throws(MediaStoreError) -> IncomingFile {
        while true {
            // Locked by another: that one is just sweeping it away, and then a new one is made.
            if let file = try open(path, O_CREAT, waiting: true) { return file }
        }
    }

    /// Opens a file of which `size` bytes are known to be on disk, or makes it if there are none; what is behind them is cut off. Nil: somebody else
    /// is at it.
    static func resume(_ path: String, at size: Int) throws(MediaStoreError) -> IncomingFile? {
        guard let file = try open(path, size == 0 ? O_CREAT : 0, waiting: false) else { return nil }
        try file.state.withLock { state throws(MediaStoreError) in
            guard let status = FileStatus(of: state.descriptor) else { throw FileCalls.error("fstat \(path)") }
            guard status.size >= size else { throw .missing }
            guard ftruncate(state.descriptor, off_t(size)) == 0, lseek(state.descriptor, off_t(size), SEEK_SET) >= 0 else {
                throw FileCalls.error("truncate \(path)")
            }
            state.size = size
        }
        return file
    }

    /// Opens and locks. Nil: it is locked, where that is not waited for, or was swept away in between.
    private static func open(_ path: String, _ flags: Int32, waiting: Bool) throws(MediaStoreError) -> IncomingFile? {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | flags, 0o600)
        guard descriptor >= 0 else { throw FileCalls.error("open \(path)") }
        let file = IncomingFile(path: path, descriptor: descriptor, size: 0)
        guard flock(descriptor, waiting ? LOCK_EX : LOCK_EX | LOCK_NB) == 0 else {
            // Interrupted while it waited: the caller opens it again.
            guard errno == EWOULDBLOCK || errno == EINTR else { throw FileCalls.error("lock \(path)") }
            return nil
        }
        guard let status = FileStatus(of: descriptor) else { throw FileCalls.error("fstat \(path)") }
        return status.links > 0 ? file : nil
    }

    var size: Int { state.withLock { $0.size } }

    /// Adds bytes, and adds them to the digest.
    func append(_ bytes: [UInt8]) throws(MediaStoreError) {
        try state.withLock { state throws(MediaStoreError) in
            try FileCalls.write(bytes, to: state.descriptor)
            bytes.withUnsafeBytes { state.hash.update(bufferPointer: $0) }
            state.size += bytes.count
        }
    }

    /// Makes what was added durable.
    func sync() throws(MediaStoreError) {
        try state.withLock { state throws(MediaStoreError) in
            guard fdatasync(state.descriptor) == 0 else { throw FileCalls.error("fdatasync \(path)") }
        }
    }

    /// The digest of all that was added.
    var digest: MediaDigest { state.withLock { MediaDigest($0.hash.finalize()) } }

    /// The digest of the whole file, read again.
    func readDigest() throws(MediaStoreError) -> MediaDigest {
        try state.withLock { state throws(MediaStoreError) in
            var hash = SHA256()
            var offset = 0
            while offset < state.size {
                let bytes = try FileCalls.read(min(1 << 18, state.size - offset), at: offset, of: state.descriptor)
                bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
                offset += bytes.count
            }
            return MediaDigest(hash.finalize())
        }
    }

    func remove() {
        unlink(path)
    }

    /// Removes a file that nobody is at.
    static func removeLeftover(_ path: String) {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
    }
}
