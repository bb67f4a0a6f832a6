import Synchronization

/// HTTP over libcurl: many requests at once on one thread, with connections kept and, over HTTP/2, shared.
///
/// libcurl's multi interface does everything on `TransferLoop`'s thread; this class only hands requests over and waits.
/// What it never does, whatever the environment says: follow redirects, use a proxy or .netrc, keep cookies, send a request again
/// (but for one case: a kept connection that the server closed before the first byte of an answer; libcurl then opens a new one.
/// A request that must not be done twice needs a key by which its receiver can tell).
package final class HTTPClient: Sendable {
    private let queue: TransferQueue
    private let thread: TransferThread
    private let settings: HTTPClientSettings
    private let nextNumber = Atomic<UInt64>(0)

    package init(_ settings: HTTPClientSettings) {
        self.settings = settings
        let queue = TransferQueue()
        self.queue = queue
        thread = TransferThread { TransferLoop(queue: queue, settings: settings).run() }
    }

    deinit {
        close()
    }

    /// Sends it and waits for the whole answer, whatever its status. Cancelling the task ends the transfer.
    package func send(_ request: HTTPRequest) async throws(HTTPClientError) -> HTTPResponse {
        if let fault = request.fault { throw .invalidRequest(fault) }
        guard !Task.isCancelled else { throw .cancelled }
        let url = try RequestURL(request.url, allowsPlainHTTP: settings.allowsPlainHTTP)
        let number = nextNumber.add(1, ordering: .relaxed).newValue
        let outcome: TransferOutcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let order = TransferOrder(number: number, url: url, request: request) { continuation.resume(returning: $0) }
                queue.put(.start(order))
                // A task that was cancelled before this has told the queue about a number that it did not know yet.
                if Task.isCancelled { queue.put(.cancel(number)) }
            }
        } onCancel: {
            queue.put(.cancel(number))
        }
        return try outcome.get()
    }

    /// Ends every transfer with `.cancelled`, and waits for the thread's end. Later requests fail alike.
    package func close() {
        queue.close()
        thread.join()
    }
}

typealias TransferOutcome = Result<HTTPResponse, HTTPClientError>
