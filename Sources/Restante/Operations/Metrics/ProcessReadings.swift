import Glibc
import HTTPServer

/// What the process takes of its machine, under the names that every Prometheus client library uses.
enum ProcessReadings {
    static var all: [Reading] {
        let start = secondsSinceEpoch()
        return [
            .counter("process_cpu_seconds_total", "Processor time used, user and system.") { processorSeconds() },
            .gauge("process_resident_memory_bytes", "Memory that is in use and not swapped out.") { residentBytes() },
            .gauge("process_open_fds", "File descriptors that are open.") { Server.openDescriptors.map(Double.init) },
            .gauge("process_max_fds", "File descriptors that the process may have.") { descriptorLimit() },
            .gauge("process_start_time_seconds", "When the process started, in seconds since 1970.") { start },
        ]
    }

    private static func secondsSinceEpoch() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec)
    }

    private static func processorSeconds() -> Double? {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
    }

    /// The second number of /proc/self/statm is the resident pages. Source: proc(5).
    private static func residentBytes() -> Double? {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
        guard count > 0 else { return nil }
        let fields = buffer.prefix(count).split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Double(String(decoding: fields[1], as: UTF8.self)) else { return nil }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func descriptorLimit() -> Double? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Double(limit.rlim_cur)
    }
}
