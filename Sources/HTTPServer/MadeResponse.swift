internal import CMicrohttpd

/// A response in libmicrohttpd's form. Owns its reference to it.
struct MadeResponse: ~Copyable {
    let status: Int
    private let handle: OpaquePointer?

    /// Copies the body. A header that HTTP does not allow (an empty value, a line break) is a fault of the application's and makes the
    /// whole response a bare 500: half an answer is worse than none.
    init(_ response: Response, outgoing: OutgoingStream?, closing: Bool) {
        if let sound = Self.make(response, outgoing) {
            handle = sound
            status = response.status
        } else {
            handle = Self.make([])
            status = 500
        }
        if let handle, closing || response.close || status != response.status {
            MHD_add_response_header(handle, "Connection", "close")
        }
    }

    deinit {
        MHD_destroy_response(handle)
    }

    /// Makes it the answer to the connection's request. False: libmicrohttpd has no memory, or no request to answer.
    func queue(on connection: OpaquePointer) -> Bool {
        guard let handle else { return false }
        return MHD_queue_response(connection, UInt32(status), handle) == .YES
    }

    private static func make(_ response: Response, _ outgoing: OutgoingStream?) -> OpaquePointer? {
        guard (200...599).contains(response.status), let handle = outgoing.map({ $0.makeResponse() }) ?? make(response.body) else { return nil }
        for header in response.headers {
            // A StaticString ends with a NUL.
            let name = UnsafeRawPointer(header.name.utf8Start).assumingMemoryBound(to: CChar.self)
            guard MHD_add_response_header(handle, name, header.value) == .YES else {
                MHD_destroy_response(handle)
                return nil
            }
        }
        return handle
    }

    private static func make(_ body: [UInt8]) -> OpaquePointer? {
        body.withUnsafeBytes { bytes in
            // Mutable only for the ways in which libmicrohttpd would own the buffer; here it copies.
            MHD_create_response_from_buffer(bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
        }
    }
}
