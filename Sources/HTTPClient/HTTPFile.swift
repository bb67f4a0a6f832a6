internal import CLibcurl
import Glibc

/// A file whose bytes are a request's body, read while they are sent.
package struct HTTPFile: Sendable {
    package let path: String
    /// What is announced and sent; a file that is shorter breaks the request off.
    package let length: Int

    package init(path: String, length: Int) {
        self.path = path
        self.length = length
    }
}

/// The open file of one transfer. It is read on the transfers' thread: a client that sends files should have no requests that
/// cannot wait for a disk.
final class FileReader {
    let length: Int
    private let descriptor: Int32
    private var left: Int

    init?(_ file: HTTPFile) {
        length = file.length
        left = length
        descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        close(descriptor)
    }

    /// How many bytes came; 0 after the announced ones; nil for an error, or where the file ends before.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        let wanted = min(buffer.count, left)
        guard wanted > 0 else { return 0 }
        let count = Glibc.read(descriptor, buffer.baseAddress, wanted)
        guard count > 0 else { return nil }
        left -= count
        return count
    }

    func seek(to offset: Int) -> Bool {
        left = length - offset
        return lseek(descriptor, off_t(offset), SEEK_SET) == off_t(offset)
    }
}

extension EasyHandle {
    /// `reader` must live as long as this handle is in use.
    func send(_ reader: FileReader) {
        let context = Unmanaged.passUnretained(reader).toOpaque()
        set(CURLOPT_INFILESIZE_LARGE, bytes: reader.length)
        set(CURLOPT_READDATA, pointer: context)
        set(CURLOPT_READFUNCTION, callback: sendFile)
        set(CURLOPT_SEEKDATA, pointer: context)
        _ = easy_set_seek_callback(pointer, seekFile)
    }
}

/// libcurl: give me some of the body.
func sendFile(_ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?) -> Int {
    guard let context else { return Int(CURL_READFUNC_ABORT) }
    let reader = Unmanaged<FileReader>.fromOpaque(context).takeUnretainedValue()
    return reader.read(into: UnsafeMutableRawBufferPointer(start: bytes, count: size * count)) ?? Int(CURL_READFUNC_ABORT)
}

/// libcurl: begin again, on another connection.
func seekFile(_ context: UnsafeMutableRawPointer?, _ offset: curl_off_t, _ origin: Int32) -> Int32 {
    guard let context, origin == SEEK_SET else { return CURL_SEEKFUNC_FAIL }
    let reader = Unmanaged<FileReader>.fromOpaque(context).takeUnretainedValue()
    return reader.seek(to: Int(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
}
