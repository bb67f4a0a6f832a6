/// What has been found wrong with one request so far, shared by the readers of its parts.
///
/// No more is noted than helps: a body can have a hundred thousand faults, and each costs time here and bytes in the answer.
final class RequestFindings {
    /// As `errors` in openapi.yaml says.
    static let most = 20
    /// Whoever has misspelt more names than these does not know them.
    private static let mostSearches = 3

    private(set) var suggestion: String?
    private var unknown: [Problem.Fault] = []
    private var invalid: [Problem.Fault] = []
    var tooLarge: Problem?

    /// Notes a name that is not known. False: that was enough of them.
    func note(unknown name: String, at place: Problem.Fault.Place, among known: [String], _ detail: String) -> Bool {
        if suggestion == nil, unknown.count < Self.mostSearches { suggestion = Spelling.nearest(to: name, among: known) }
        unknown.append(.init(place: place, detail: detail))
        return unknown.count < Self.most
    }

    func note(invalid place: Problem.Fault.Place, _ detail: String) {
        if invalid.count < Self.most { invalid.append(.init(place: place, detail: detail)) }
    }

    /// Throws what was found, if anything: unknown names first, then all that is invalid.
    func finish() throws(Problem) {
        if !unknown.isEmpty {
            var problem = Problem(.unknownParameter)
            problem.faults = unknown
            problem.didYouMean = suggestion
            throw problem
        }
        if !invalid.isEmpty { throw Problem(invalid: invalid) }
        if let tooLarge { throw tooLarge }
    }
}
