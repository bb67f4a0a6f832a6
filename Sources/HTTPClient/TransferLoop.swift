internal import CLibcurl

/// Drives all transfers of one client. Lives on the transfers' thread only.
final class TransferLoop {
    private let queue: TransferQueue
    private let settings: HTTPClientSettings
    private var transfers: [UInt64: Transfer] = [:]
    /// The transfers by the context that libcurl gives back.
    private var numbers: [UnsafeMutableRawPointer: UInt64] = [:]

    /// Requests that are on their way or wait for a connection. More are refused at once: a line that does not move only makes everybody late.
    static let mostUnderWay = 256

    init(queue: TransferQueue, settings: HTTPClientSettings) {
        self.queue = queue
        self.settings = settings
    }

    /// Until the queue is closed.
    func run() {
        while let commands = queue.take() {
            for command in commands { perform(command) }
            finishOverdue()
            queue.multi.perform()
            finishEnded()
            queue.multi.wait()
        }
        for number in Array(transfers.keys) { cancel(number) }
    }

    private func perform(_ command: TransferCommand) {
        switch command {
        case .start(let order): start(order)
        case .cancel(let number): cancel(number)
        }
    }

    private func start(_ order: TransferOrder) {
        guard transfers.count < Self.mostUnderWay else { return order.finish(.failure(.unreachable("too many requests are under way"))) }
        guard let transfer = Transfer(order, settings), queue.multi.add(transfer.easy) else {
            order.finish(.failure(.invalidRequest("its file does not open, or there is no memory")))
            return
        }
        transfers[order.number] = transfer
        numbers[Unmanaged.passUnretained(transfer).toOpaque()] = order.number
    }

    private func cancel(_ number: UInt64) {
        remove(number)?.finish(with: .failure(.cancelled))
    }

    private func finishEnded() {
        while let ended = queue.multi.nextEnded() {
            guard let number = numbers[ended.context] else { continue }
            remove(number)?.finish(ended.code)
        }
    }

    /// libcurl does not begin to count a request's time before it has a connection for it.
    private func finishOverdue() {
        guard transfers.count > MultiHandle.mostConnections else { return }
        let now = ContinuousClock.now
        for (number, transfer) in transfers where now - transfer.begun > settings.totalTimeout {
            remove(number)?.finish(CURLE_OPERATION_TIMEDOUT)
        }
    }

    /// Takes it out of libcurl and out of the books.
    private func remove(_ number: UInt64) -> Transfer? {
        guard let transfer = transfers.removeValue(forKey: number) else { return nil }
        numbers[Unmanaged.passUnretained(transfer).toOpaque()] = nil
        queue.multi.remove(transfer.easy)
        return transfer
    }
}
