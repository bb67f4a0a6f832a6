import Glibc

/// Sockets that have been told all and may still be talking.
///
/// To close a socket that has unread bytes makes the kernel send a reset, and a reset can overtake the answer in front of it. So
/// such a socket is kept for a moment, and what still comes is read and thrown away. There is room for a few; beyond that
/// the oldest goes.
struct LingeringSockets: ~Copyable {
    private static let capacity = 64
    private static let patience: Int64 = 2000
    /// Bytes read from one socket in one sweep, so that a fast sender cannot hold the worker.
    private static let appetite = 256 * 1024

    private var sockets: [(descriptor: Int32, due: Int64)] = []

    deinit {
        for socket in sockets { close(socket.descriptor) }
    }

    /// Takes over a descriptor on which nothing more will be written.
    mutating func add(owning descriptor: Int32, now: Int64) {
        if sockets.count == Self.capacity { close(sockets.removeFirst().descriptor) }
        sockets.append((descriptor, now + Self.patience))
    }

    /// Reads what has come, and closes what is over.
    mutating func sweep(now: Int64) {
        sockets.removeAll { socket in
            let isOver = Self.drain(socket.descriptor) || socket.due <= now
            if isOver { close(socket.descriptor) }
            return isOver
        }
    }

    /// Whether the peer has closed, or the connection is broken.
    private static func drain(_ descriptor: Int32) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
            var total = 0
            while total < appetite {
                let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count == 0 { return true }
                if count < 0 { return errno != EAGAIN && errno != EINTR }
                total += count
            }
            return false
        }
    }
}
