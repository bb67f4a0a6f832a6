internal import CLibcurl

extension EasyHandle {
    /// Everything that libcurl may do of its own accord and must not, and the settings' bounds.
    func restrict(_ settings: HTTPClientSettings) {
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        set(CURLOPT_NETRC, 0)
        // An empty proxy is none, whatever the environment names.
        set(CURLOPT_PROXY, "")
        set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        // The system's authorities stay: they are found through CURLOPT_CAPATH.
        if let file = settings.extraCAFile { set(CURLOPT_CAINFO, file) }
        set(CURLOPT_CONNECTTIMEOUT_MS, settings.connectTimeout.milliseconds)
        set(CURLOPT_TIMEOUT_MS, settings.totalTimeout.milliseconds)
        if let stall = settings.stallTimeout {
            set(CURLOPT_LOW_SPEED_LIMIT, 1024)
            set(CURLOPT_LOW_SPEED_TIME, max(1, stall.milliseconds / 1000))
        }
        // A name that is looked up for long would otherwise hold up every transfer when its own is given up.
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        _ = easy_set_user_timeout(pointer)
        switch settings.version {
        case .http1:
            set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        case .http2:
            set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
            // Wait for the connection that is being made, and share it, rather than open one more.
            set(CURLOPT_PIPEWAIT, 1)
        }
    }
}

extension HTTPClientError {
    /// - Parameter sent: how many bytes of the request have left, on whatever connection.
    init(_ code: CURLcode, words: String, sent: Int) {
        switch code {
        case CURLE_OPERATION_TIMEDOUT: self = sent > 0 ? .timedOut : .unreachable(words)
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: self = .invalidURL
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED, CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_INVALIDCERTSTATUS:
            self = .unreachable(words)
        default: self = .interrupted(words)
        }
    }
}
