import Glibc
import Synchronization

/// An HTTP/1.1 server on libmicrohttpd: a few threads, each with very many connections, most of which wait.
///
/// A request is answered in `ExchangeHandler.handle` or at any time later, from any thread, by `Exchange.complete`; until then its
/// connection is suspended and costs memory only. The end is `drain`, then answers to what is held, then `stop`.
package final class Server: Sendable {
    /// The port that is listened on.
    package let port: UInt16
    private let mode: SharedRunMode
    private let counts: ConnectionCounts
    let bodies: BodyBudget
    private let workers: [Worker]
    private let threads: Mutex<[WorkerThread]>

    /// Listens and serves. `handler` is called on the server's own threads from now on.
    package static func start(
        _ configuration: ServerConfiguration, handler: any ExchangeHandler
    ) throws(ServerError) -> Server {
        try Server(configuration, handler: handler)
    }

    /// Connections now open, exchanges held, connections refused.
    package var statistics: ServerStatistics { counts.statistics }

    /// How many descriptors the process has open; nil on a kernel before Linux 6.2, where only listing them all would tell: too much for half a million.
    ///
    /// Source: Linux, fs/proc/fd.c, proc_readfd_count: the size of that folder is their number.
    package static var openDescriptors: Int? {
        var status = stat()
        guard stat("/proc/self/fd", &status) == 0, status.st_size > 0 else { return nil }
        return Int(status.st_size)
    }

    /// Takes no more connections; each answer from now on ends its connection, and idle ones end now. Returns at once.
    package func drain() {
        mode.drain()
        for worker in workers { worker.completions.wake() }
    }

    /// Ends the server once the last connection has ended, or when `seconds` have passed: then what is still held is answered with
    /// the handler's `draining`, and what is still open two seconds later is closed. Blocks the calling thread.
    package func stop(within seconds: Double) {
        mode.stop(at: monotonicMilliseconds() + Int64(max(0, min(seconds, 86_400)) * 1000))
        for worker in workers { worker.completions.wake() }
        threads.withLock { threads in
            for thread in threads { thread.join() }
            threads = []
        }
    }

    private init(_ configuration: ServerConfiguration, handler: any ExchangeHandler) throws(ServerError) {
        let capacity = try ServerCapacity(configuration, descriptors: descriptorLimit())
        let listening = try ListenSocket.open(host: configuration.host, port: configuration.port, count: configuration.workers)
        let mode = SharedRunMode()
        let counts = ConnectionCounts(limit: capacity.connections)
        let bodies = BodyBudget(limit: configuration.bodyMemory)
        var workers: [Worker] = []
        for socket in listening.sockets {
            workers.append(
                try Worker(
                    configuration: configuration, daemonCount: capacity.daemonsPerWorker, socket: socket, handler: handler,
                    mode: mode, counts: counts, bodies: bodies))
        }
        port = listening.port
        self.mode = mode
        self.counts = counts
        self.bodies = bodies
        self.workers = workers
        threads = Mutex([])
        for worker in workers {
            do throws(ServerError) {
                let thread = try WorkerThread(worker)
                threads.withLock { $0.append(thread) }
            } catch {
                stop(within: 0)
                throw error
            }
        }
    }
}
