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
    /// Left free on the disk, whatever is uploaded.
    private let reserveBytes: Int
    private let state: Mutex<State>

    private struct State {
        let descriptor: Int32
        /// Bytes that are in the file, on disk or not.
        var size = 0
        var hash = SHA256()
        /// The first bytes of the file that are in the hash: all, where all were added to this.
        var hashed = 0

        mutating func hash(_ bytes: [UInt8]) {
            bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
            hashed += bytes.count
        }
    }

    private init(path: String, descriptor: Int32, reserveBytes: Int) {
        self.path = path
        self.reserveBytes = reserveBytes
        state = Mutex(State(descriptor: descriptor))
    }

    deinit {
        state.withLock { _ = Glibc.close($0.descriptor) }
    }

    /// Makes an empty file.
    static func make(_ path: String, reserveBytes: Int = 0) throws(MediaStoreError) -> IncomingFile {
        while true {
            // Locked by another: that one is just sweeping it away, and then a new one is made.
            if let file = try open(path, O_CREAT, waiting: true, reserveBytes) { return file }
        }
    }

    /// Opens a file that an upload goes on in, or makes it if that is asked for; `cut` comes next. Nil: somebody else is at it.
    static func resume(_ path: String, mayMake: Bool, reserveBytes: Int = 0) throws(MediaStoreError) -> IncomingFile? {
        try open(path, mayMake ? O_CREAT : 0, waiting: false, reserveBytes)
    }

    /// Opens and locks, and changes nothing. Nil: it is locked, where that is not waited for, or it is no longer the file of this name: swept away
    /// in between, or made a blob, which must not be written to.
    private static func open(_ path: String, _ flags: Int32, waiting: Bool, _ reserveBytes: Int) throws(MediaStoreError) -> IncomingFile? {
        let descriptor = try FileCalls.open(path, O_RDWR | flags)
        let file = IncomingFile(path: path, descriptor: descriptor, reserveBytes: reserveBytes)
        guard flock(descriptor, waiting ? LOCK_EX : LOCK_EX | LOCK_NB) == 0 else {
            // Interrupted while it waited: the caller opens it again.
            guard errno == EWOULDBLOCK || errno == EINTR else { throw FileCalls.error("lock \(path)") }
            return nil
        }
        guard let locked = FileStatus(of: descriptor) else { throw FileCalls.error("fstat \(path)") }
        guard let named = FileStatus(at: path), named.isSameFile(as: locked) else { return nil }
        return file
    }

    /// Goes on behind the first `size` bytes, which are known to be on disk; what is behind them is cut off.
    func cut(to size: Int) throws(MediaStoreError) {
        try state.withLock { state throws(MediaStoreError) in
            guard let status = FileStatus(of: state.descriptor) else { throw FileCalls.error("fstat \(path)") }
            guard status.size >= size else { throw .missing }
            guard ftruncate(state.descriptor, off_t(size)) == 0, lseek(state.descriptor, off_t(size), SEEK_SET) >= 0 else {
                throw FileCalls.error("truncate \(path)")
            }
            state.size = size
            state.hash = SHA256()
            state.hashed = 0
        }
    }

    var size: Int { state.withLock { $0.size } }

    /// Adds bytes, as long as the disk has more room than what is left free.
    func append(_ bytes: [UInt8]) throws(MediaStoreError) {
        try state.withLock { state throws(MediaStoreError) in
            guard FileCalls.freeBytes(of: state.descriptor) - reserveBytes >= bytes.count else { throw .outOfSpace }
            try FileCalls.write(bytes, to: state.descriptor)
            if state.hashed == state.size { state.hash(bytes) }
            state.size += bytes.count
        }
    }

    /// Makes what was added durable.
    func sync() throws(MediaStoreError) {
        try state.withLock { state throws(MediaStoreError) in
            guard fdatasync(state.descriptor) == 0 else { throw FileCalls.error("fdatasync \(path)") }
        }
    }

    /// The digest of the whole file. Nil: some of it was there before and has to be read; each call reads a MiB.
    func digest() throws(MediaStoreError) -> MediaDigest? {
        try state.withLock { state throws(MediaStoreError) in
            if state.hashed < state.size {
                state.hash(try FileCalls.read(min(1 << 20, state.size - state.hashed), at: state.hashed, of: state.descriptor))
            }
            return state.hashed == state.size ? MediaDigest(state.hash.finalize()) : nil
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
