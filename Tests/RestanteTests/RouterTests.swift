import HTTPServer
import Testing

@testable import Restante

@Suite struct RouterTests {
    private let router = Router(Routes.all, metrics: Metrics().requests)

    private func operation(_ method: Method, _ path: String) -> String? {
        guard case .route(let route) = router.match(method, path) else { return nil }
        return route.endpoint.operation
    }

    private func allow(_ method: Method, _ path: String) -> String? {
        guard case .methodNotAllowed(let allow) = router.match(method, path) else { return nil }
        return allow
    }

    private func isFound(_ path: String) -> Bool {
        if case .notFound = router.match(.get, path) { return false }
        return true
    }

    @Test(arguments: Routes.all.map { "\($0.method.name) \($0.path)" })
    func everyEndpointIsFound(line: String) throws {
        let endpoint = try #require(Routes.all.first { "\($0.method.name) \($0.path)" == line })
        let path = endpoint.path.replacing("{code}", with: "not-found")
        #expect(operation(endpoint.method, path) == endpoint.operation)
    }

    @Test func noPathAndMethodStandTwiceInTheTable() {
        #expect(Set(Routes.all.map { "\($0.method.name) \($0.path)" }).count == Routes.all.count)
        #expect(Set(Routes.all.map(\.operation)).count == Routes.all.count)
    }

    @Test func onePathMayHaveTwoMethods() {
        #expect(operation(.get, "/v1/fetchMessages") == "fetchMessages")
        #expect(operation(.post, "/v1/fetchMessages") == "acknowledgeAndFetch")
        #expect(allow(.delete, "/v1/fetchMessages") == "GET, HEAD, POST")
    }

    @Test func headWorksWhereGetDoes() {
        #expect(operation(.head, "/v1/getUser") == "getUser")
        #expect(operation(.head, "/problems/not-found") == "getProblem")
        #expect(allow(.head, "/v1/sendMessage") == "POST")
    }

    @Test func anotherMethodIsToldWhichOnesThereAre() {
        #expect(allow(.get, "/v1/sendMessage") == "POST")
        #expect(allow(.post, "/v1/getUser") == "GET, HEAD")
        #expect(allow(.post, "/problems/not-found") == "GET, HEAD")
        #expect(allow(.options, "/healthz") == "GET, HEAD")
    }

    @Test(arguments: [
        "/", "/v1", "/v1/", "/v1/sendmessage", "/v1/sendMessage/", "/v1/sendMessage/x", "/problems", "/problems/", "/v2/sendMessage", "",
    ])
    func anyOtherPathIsNotFound(path: String) {
        #expect(!isFound(path))
    }

    @Test func onlyWhatNeedsNoDeviceIsOpenToEveryone() {
        let open = Routes.all.filter { $0.path.hasPrefix("/v1/") }.filter { if case .everyone = $0.access { true } else { false } }.map(\.operation)
        #expect(Set(open) == ["sendOTP", "register", "login", "refreshToken", "limits"])
    }

    @Test func aBodyIsExpectedOfPostAndPatchAlone() {
        for endpoint in Routes.all {
            #expect((endpoint.maxBodyBytes != nil) == (endpoint.method == .post || endpoint.method == .patch), "\(endpoint.operation)")
        }
    }
}
