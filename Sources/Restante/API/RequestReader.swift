import JSON
import Postgres

/// Reads the members of a request's JSON object and gathers what is wrong with them.
///
/// A read never fails at once: it notes the fault and hands on a harmless value, and `finish` reports everything together, unknown names
/// before what is missing. So a decoder reads all it needs, calls `finish`, and only then uses what it has read.
struct RequestReader {
    /// What has been found wrong so far, shared by the readers of nested objects.
    final class Findings {
        var unknown: [Problem.Fault] = []
        var invalid: [Problem.Fault] = []
        var suggestion: String?
        var tooLarge: Problem?
    }

    let object: JSON?
    let pointer: JSONPointer
    let findings: Findings

    /// - Parameter members: the names that the operation knows.
    init(_ call: Call, members: [String]) throws(Problem) {
        let document: JSON
        do throws(JSONSyntaxError) {
            document = call.body.isEmpty ? .object([]) : try JSON.parse(call.body)
        } catch {
            throw Problem(error)
        }
        self.init(document, at: .root, members: members, findings: Findings())
        guard document.kind == .object else { throw Problem(invalid: [.init(place: .member(.root), detail: "An object is expected.")]) }
    }

    init(_ value: JSON?, at pointer: JSONPointer, members: [String], findings: Findings) {
        self.pointer = pointer
        self.findings = findings
        object = value?.kind == .object ? value : nil
        guard let object else { return }
        // The usual request has no unknown member, and counting the known ones is quicker than naming all.
        guard members.count(where: { object[$0] != nil }) < object.count else { return }
        for (name, _) in object.members where !members.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
            let near = Spelling.nearest(to: name, among: members)
            findings.suggestion = findings.suggestion ?? near
            findings.unknown.append(.init(place: .member(pointer.appending(name)), detail: "This member is not known here."))
        }
    }

    /// Throws what was found, if anything: unknown names first, then all that is invalid.
    func finish() throws(Problem) {
        if !findings.unknown.isEmpty {
            var problem = Problem(.unknownParameter)
            problem.faults = findings.unknown
            problem.didYouMean = findings.suggestion
            throw problem
        }
        if !findings.invalid.isEmpty { throw Problem(invalid: findings.invalid) }
        if let problem = findings.tooLarge { throw problem }
    }

    func has(_ name: String) -> Bool { object?[name] != nil }

    func fault(_ name: String, _ detail: String) {
        findings.invalid.append(.init(place: .member(pointer.appending(name)), detail: detail))
    }

    func required(_ name: String) -> JSON? {
        let value = object?[name]
        if value == nil { fault(name, "This member is required.") }
        return value
    }
}

extension Identifier {
    /// What a reader hands on in place of an identifier that it could not read; never used, as `finish` throws.
    static let zero = Identifier(high: 0, low: 0)
}
