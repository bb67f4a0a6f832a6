// timespec comes with whichever C module the compiler has read first.
internal import CEpoll
import Glibc

/// Reads what a process has used, this one or another of the same machine. Source: clock_getcpuclockid(3), proc(5).
package struct ProcessUsage: Sendable {
    private let process: Int32
    private let clock: clockid_t

    package init(process: Int32) throws(LoadFault) {
        var clock = clockid_t()
        guard clock_getcpuclockid(process, &clock) == 0 else { throw .noSuchProcess(process) }
        self.process = process
        self.clock = clock
    }

    package static func ofThisProcess() throws(LoadFault) -> ProcessUsage {
        try ProcessUsage(process: getpid())
    }

    /// Processor time of all its threads so far, in nanoseconds; 0 once it is gone.
    package var processorTime: UInt64 {
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return 0 }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Bytes of it that are in memory (VmRSS); 0 once it is gone.
    package var residentBytes: Int {
        guard let file = fopen("/proc/\(process)/statm", "r") else { return 0 }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = fread(&buffer, 1, buffer.count, file)
        // The second number is the resident pages.
        let fields = buffer[..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
