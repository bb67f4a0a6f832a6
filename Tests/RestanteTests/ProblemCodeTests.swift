import HTTPServer
import JSON
import Testing

@testable import Restante

@Suite struct ProblemCodeTests {
    @Test func everyCodeHasARowOfItsOwn() {
        let rows = ProblemCode.allCases.map(\.description)
        #expect(Set(rows.map(\.title)).count == rows.count)
        #expect(Set(rows.map(\.explanation)).count == rows.count)
    }

    @Test(arguments: ProblemCode.allCases)
    func everyRowMakesSense(code: ProblemCode) {
        let row = code.description
        #expect((400...599).contains(row.status))
        #expect(code.rawValue.allSatisfy { $0 == "-" || $0.isASCII && ($0.isLowercase || $0.isNumber) }, "kebab-case")
        #expect(!row.title.isEmpty && !row.title.hasSuffix("."))
        #expect(row.explanation.hasSuffix(".") && row.remedy.hasSuffix("."))
        // Only what the server is to blame for, or what time heals, is worth another try.
        #expect(row.retryable == (row.status == 429 || row.status >= 500 && ![501, 505].contains(row.status)))
    }

    @Test func theStatusOfACodeIsThatOfTheContract() {
        let statuses: [ProblemCode: Int] = [
            .unauthenticated: 401, .invalidToken: 401, .tokenExpired: 401, .sessionRevoked: 401, .refreshTokenInvalid: 401, .malformedJSON: 400,
            .unknownParameter: 400, .invalidRequest: 400, .notFound: 404, .methodNotAllowed: 405, .tooLarge: 413, .unsupportedMediaType: 415,
            .otpIncorrect: 403, .otpExpired: 403, .alreadyRegistered: 409, .notRegistered: 404, .tooManyDevices: 409, .otpDeliveryFailed: 502,
            .unknownRecipient: 404, .unknownMedia: 404, .clientMessageIdReused: 422, .notAnAdmin: 403, .mayNotAdd: 403, .alreadyAMember: 409,
            .groupFull: 422, .rateLimited: 429, .unavailable: 503, .overloaded: 503, .draining: 503, .outOfSpace: 507,
        ]
        for (code, status) in statuses { #expect(code.description.status == status, "\(code.rawValue)") }
    }

    @Test(arguments: ProblemCode.allCases)
    func everyCodeHasAPage(code: ProblemCode) throws {
        let page = String(decoding: ProblemPage(code: code).html, as: UTF8.self)
        #expect(page.hasPrefix("<!doctype html>") && page.hasSuffix("</html>\n"))
        #expect(page.contains("<code>\(code.rawValue)</code>, status \(code.description.status)"))
        #expect(page.contains(code.description.remedy.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")))
    }

    @Test(arguments: ProblemCode.allCases)
    func everyAnswerIsAProblemDocument(code: ProblemCode) throws {
        let response = Problem(code).response(requestId: "abc")
        let document = try JSON.parse(response.body)
        #expect(response.status == code.description.status)
        #expect(header("Content-Type", of: response) == "application/problem+json")
        #expect(document["type"]?.string == "/problems/\(code.rawValue)")
        #expect(document["code"]?.string == code.rawValue)
        #expect(document["status"]?.integer == Int64(response.status))
        #expect(document["retryable"]?.boolean == code.description.retryable)
        #expect(document["requestId"]?.string == "abc")
        #expect(document["title"]?.string == code.description.title)
        #expect(document["detail"]?.string == code.description.explanation)
        #expect(document["errors"] == nil)
        #expect((header("WWW-Authenticate", of: response) == "Bearer") == (response.status == 401))
    }

    @Test func whatIsKnownBesidesIsTold() throws {
        var problem = Problem(invalid: [
            .init(place: .member(.root.appending("name")), detail: "No."), .init(place: .parameter("wait"), detail: "Nor."),
        ])
        problem.attemptsLeft = 2
        let document = try JSON.parse(problem.response(requestId: "abc").body)
        #expect(document["errors"]?.elements.map { $0["pointer"]?.string ?? $0["parameter"]?.string } == ["/name", "wait"])
        #expect(document["errors"]?.elements.map { $0["detail"]?.string } == ["No.", "Nor."])
        #expect(document["attemptsLeft"]?.integer == 2)

        let limited = Problem.rateLimited(scope: "otpPerNumber", retryAfter: 0).response(requestId: "abc")
        #expect(header("Retry-After", of: limited) == "1")
        #expect(try JSON.parse(limited.body)["scope"]?.string == "otpPerNumber")
        #expect(try JSON.parse(Problem.tooLarge(maxBytes: 9).response(requestId: "abc").body)["maxBytes"]?.integer == 9)
    }

    private func header(_ name: String, of response: Response) -> String? {
        response.headers.first { $0.name.description == name }?.value
    }
}
