internal import CLibcurl

/// With what a request to a service of AWS's kind is signed; libcurl does it. Source: AWS Signature Version 4.
///
/// libcurl 7.88 does not sort or encode a query as the signature wants it, so requests with a query are not for this. The digest of the body comes
/// from the header `x-amz-content-sha256`, which the caller sets.
package struct AWSSignature: Sendable {
    package let accessKey: String
    package let secretKey: String
    package let region: String
    package let service: String

    package init(accessKey: String, secretKey: String, region: String, service: String) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.region = region
        self.service = service
    }
}

extension EasyHandle {
    func sign(with signature: AWSSignature) {
        set(CURLOPT_AWS_SIGV4, "aws:amz:\(signature.region):\(signature.service)")
        set(CURLOPT_USERNAME, signature.accessKey)
        set(CURLOPT_PASSWORD, signature.secretKey)
    }
}
