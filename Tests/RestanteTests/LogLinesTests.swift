import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Restante

/// Log lines where the reader of standard error is there, stands still, or is gone.
@Suite(.serialized, .timeLimit(.minutes(1))) struct LogLinesTests {
    /// A pipe that is closed with the test.
    private final class Pipe: Sendable {
        let reader: Int32
        let writer: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            (reader, writer) = (ends[0], ends[1])
        }

        /// Until `lines` has been closed and everything is read.
        func readAll() -> [String] {
            close(writer)
            var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
            while case let count = read(reader, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    @Test func whatWasPutIsThereAfterTheEnd() throws {
        let pipe = try Pipe()
        defer { close(pipe.reader) }
        let lines = LogLines(descriptor: pipe.writer)
        for number in 0..<1000 { lines.put(Array("line \(number)\n".utf8)) }
        lines.close()
        #expect(pipe.readAll() == (0..<1000).map { "line \($0)" })
        #expect(lines.dropped == 0)
        lines.put(Array("late\n".utf8))
        #expect(lines.dropped == 1)
    }

    @Test func aReaderThatStandsStillHoldsNobodyUp() throws {
        let pipe = try Pipe()
        defer { close(pipe.reader) }
        let lines = LogLines(descriptor: pipe.writer, capacity: 10_000)
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 999) + [UInt8(ascii: "\n")]
        // The kernel takes 65,536 bytes, the thread has up to 10,000 in its hands, and 10,000 wait.
        for _ in 0..<1000 { lines.put(line) }
        #expect(lines.dropped > 900)
        let start = ContinuousClock.now
        lines.close(within: 0.2)
        #expect(ContinuousClock.now - start < .seconds(10))
        let read = Mutex(0)
        let group = DispatchGroup()
        DispatchQueue.global().async(group: group) {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while read.withLock({ $0 }) < (1000 - lines.dropped) * 1000, case let count = Glibc.read(pipe.reader, &buffer, buffer.count), count > 0 {
                read.withLock { $0 += count }
            }
        }
        lines.close(within: 30)
        group.wait()
        #expect(read.withLock { $0 } == (1000 - lines.dropped) * 1000, "whole lines only")
        close(pipe.writer)
    }

    @Test func whatNobodyCanReadIsCounted() throws {
        let pipe = try Pipe()
        close(pipe.reader)
        let lines = LogLines(descriptor: pipe.writer)
        for _ in 0..<10 { lines.put(Array("line\n".utf8)) }
        lines.close()
        #expect(lines.dropped == 10)
        close(pipe.writer)
    }
}
