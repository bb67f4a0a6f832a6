internal import CLibcurl

/// One request on its way; lives on the transfers' thread, and so do libcurl's calls to it.
final class Transfer {
    let easy: EasyHandle
    let begun = ContinuousClock.now
    private let order: TransferOrder
    private let largestResponse: Int
    /// libcurl reads the body from here while it sends.
    private let requestBody: UnsafeMutableBufferPointer<UInt8>
    private let requestFile: FileReader?
    private var head = ResponseHead()
    private var responseBody: [UInt8] = []
    private var isTooLarge = false

    /// nil without memory, or where the request's file does not open.
    init?(_ order: TransferOrder, _ settings: HTTPClientSettings) {
        guard let easy = EasyHandle() else { return nil }
        requestFile = order.request.file.flatMap(FileReader.init)
        guard (requestFile == nil) == (order.request.file == nil) else { return nil }
        self.easy = easy
        self.order = order
        largestResponse = settings.largestResponse
        requestBody = .allocate(capacity: max(1, order.request.body.count))
        _ = requestBody.initialize(from: order.request.body)
        easy.restrict(settings)
        setRequest()
        setCallbacks()
    }

    deinit {
        requestBody.deallocate()
    }

    func finish(_ code: CURLcode) {
        guard code != CURLE_OK else { return finish(with: .success(response)) }
        let error = HTTPClientError(code, words: easy.words(for: code), sent: easy.number(CURLINFO_REQUEST_SIZE))
        finish(with: .failure(isTooLarge ? .tooLarge : error))
    }

    func finish(with outcome: TransferOutcome) {
        order.finish(outcome)
    }

    /// False ends the transfer.
    func take(headerLine line: UnsafeRawBufferPointer) -> Bool {
        if head.take(line) { return true }
        isTooLarge = true
        return false
    }

    func take(body bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= largestResponse - responseBody.count else {
            isTooLarge = true
            return false
        }
        responseBody.append(contentsOf: bytes)
        return true
    }

    private var response: HTTPResponse {
        HTTPResponse(status: easy.number(CURLINFO_RESPONSE_CODE), headers: head.headers, body: responseBody)
    }

    private func setRequest() {
        let request = order.request
        easy.set(CURLOPT_URL, order.url.text)
        var lines = request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        if let signature = request.signature { easy.sign(with: signature) }
        if let requestFile {
            easy.set(CURLOPT_UPLOAD, 1)
            easy.set(CURLOPT_CUSTOMREQUEST, request.method)
            easy.send(requestFile)
            // libcurl 7.88 would sign the line although it sends none.
            if request.signature == nil { lines.append("Expect:") }
        } else if request.method == "HEAD" {
            easy.set(CURLOPT_NOBODY, 1)
        } else if ["GET", "DELETE"].contains(request.method) && request.body.isEmpty {
            easy.set(CURLOPT_HTTPGET, 1)
            easy.set(CURLOPT_CUSTOMREQUEST, request.method)
        } else {
            easy.set(CURLOPT_POST, 1)
            easy.set(CURLOPT_POSTFIELDSIZE_LARGE, bytes: request.body.count)
            easy.set(CURLOPT_POSTFIELDS, pointer: requestBody.baseAddress)
            easy.set(CURLOPT_CUSTOMREQUEST, request.method)
            // libcurl's own additions: a media type that nobody named, and a wait for 100 Continue.
            if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) { lines.append("Content-Type:") }
            lines.append("Expect:")
        }
        easy.set(headerLines: lines)
    }

    /// The pointer is good: the loop keeps the transfer until its handle has left libcurl.
    private func setCallbacks() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        easy.set(CURLOPT_PRIVATE, pointer: context)
        easy.set(CURLOPT_HEADERDATA, pointer: context)
        easy.set(CURLOPT_HEADERFUNCTION, callback: receiveHeaderLine)
        easy.set(CURLOPT_WRITEDATA, pointer: context)
        easy.set(CURLOPT_WRITEFUNCTION, callback: receiveBody)
    }
}

/// libcurl: here is one line of the head.
private func receiveHeaderLine(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    return transfer.take(headerLine: UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
}

/// libcurl: here is some of the body. Taking less than all of it ends the transfer; `size` is always 1.
private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    guard count > 0 else { return 0 }
    return transfer.take(body: UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
}
