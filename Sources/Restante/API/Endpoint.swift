import HTTPServer

/// One operation of the API: where it is found, who may call it, how it is answered.
struct Endpoint: Sendable {
    /// Who may call an operation.
    enum Access: Sendable {
        /// Needs a bearer token.
        case device
        case everyone
        /// Whoever watches over the node. Not limited: a probe that is refused would pass for a node that is down.
        case probes
        /// Everyone who reaches the admin listener; where there is none, everyone.
        case operators
    }

    /// The three ways in which an answer comes about.
    enum Action: Sendable {
        /// At once, on the server's own thread: no database, no waiting.
        case answer(@Sendable (Call, Services) throws -> Response)
        /// Whenever the rare operation is done; runs as a Task.
        case await(@Sendable (Call, Services) async throws -> Response)
        /// The exchange is handed to a writer or to the mailroom, which completes it from its own thread. Starts no Task.
        case handOff(@Sendable (Call, Reply, Services) throws -> Void)
    }

    let method: Method
    let path: String
    /// The `operationId` of openapi.yaml.
    let operation: String
    var access: Access = .device
    /// Bytes of body that are read at most; nil: no body is expected.
    var maxBodyBytes: LimitName?
    /// The body is the endpoint's to read, piece by piece; else it is JSON, and all there.
    var isStreamed = false
    /// Header fields that it wants to see.
    var headers: [StaticString] = []
    /// It moves as many bytes as a client's link takes, so that its time says nothing about the server.
    var isTransfer = false
    let action: Action

    static func get(
        _ path: String, _ operation: String, for access: Access = .device, _ action: Action
    ) -> Endpoint {
        Endpoint(method: .get, path: path, operation: operation, access: access, action: action)
    }

    /// An endpoint that reads its body by `Call.nextPiece`.
    static func upload(
        _ path: String, _ operation: String, method: Method = .post, upTo maxBodyBytes: LimitName, headers: [StaticString],
        _ action: @escaping @Sendable (Call, Services) async throws -> Response
    ) -> Endpoint {
        Endpoint(
            method: method, path: path, operation: operation, maxBodyBytes: maxBodyBytes, isStreamed: true, headers: headers, isTransfer: true,
            action: .await(action))
    }

    /// An endpoint that streams its answer.
    static func download(
        _ path: String, _ operation: String, headers: [StaticString], _ action: @escaping @Sendable (Call, Services) async throws -> Response
    ) -> Endpoint {
        Endpoint(method: .get, path: path, operation: operation, headers: headers, isTransfer: true, action: .await(action))
    }

    static func post(
        _ path: String, _ operation: String, for access: Access = .device, upTo maxBodyBytes: LimitName = .requestBytes, _ action: Action
    ) -> Endpoint {
        Endpoint(method: .post, path: path, operation: operation, access: access, maxBodyBytes: maxBodyBytes, action: action)
    }
}
