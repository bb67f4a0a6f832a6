internal import CLibcurl

/// libcurl's handle of one transfer: owns it, its list of headers and its buffer for error texts.
final class EasyHandle {
    let pointer: UnsafeMutableRawPointer
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>

    /// nil only without memory.
    init?() {
        guard let pointer = curl_easy_init() else { return nil }
        self.pointer = pointer
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        _ = easy_set_pointer(pointer, CURLOPT_ERRORBUFFER, errorText)
    }

    deinit {
        curl_easy_cleanup(pointer)
        curl_slist_free_all(headers)
        errorText.deallocate()
    }

    func set(_ option: CURLoption, _ value: Int) {
        _ = easy_set_long(pointer, option, value)
    }

    func set(_ option: CURLoption, _ value: String) {
        _ = easy_set_text(pointer, option, value)
    }

    func set(_ option: CURLoption, bytes: Int) {
        _ = easy_set_offset(pointer, option, curl_off_t(bytes))
    }

    /// The pointer must be good as long as this handle.
    func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) {
        _ = easy_set_pointer(pointer, option, value)
    }

    func set(_ option: CURLoption, callback: curl_write_callback?) {
        _ = easy_set_transfer_callback(pointer, option, callback)
    }

    func set(headerLines: [String]) {
        for line in headerLines {
            guard let longer = curl_slist_append(headers, line) else { continue }
            headers = longer
        }
        set(CURLOPT_HTTPHEADER, pointer: headers)
    }

    func number(_ information: CURLINFO) -> Int {
        var value = 0
        _ = easy_get_long(pointer, information, &value)
        return value
    }

    /// libcurl's words for what went wrong.
    func words(for code: CURLcode) -> String {
        errorText[0] == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: errorText)
    }
}
