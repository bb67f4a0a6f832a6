import Glibc

/// What the system knows of a file. Source: stat(2).
///
/// It stands in a module that loads no Foundation: beside that, a whole-module build takes `struct stat` for Foundation's own and does not compile.
package struct FileStatus: Sendable {
    package let size: Int
    /// How many names it has: 0 once it is removed.
    package let links: Int
    private let device: UInt
    private let inode: UInt

    /// Nil: `errno` says why.
    package init?(of descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Nil: `errno` says why.
    package init?(at path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        size = Int(status.st_size)
        links = Int(status.st_nlink)
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }

    /// Whether both are of one file.
    package func isSameFile(as other: FileStatus) -> Bool {
        device == other.device && inode == other.inode
    }
}
