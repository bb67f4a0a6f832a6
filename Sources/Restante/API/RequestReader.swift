import JSON
import Postgres

/// Reads the members of a request's JSON object and gathers what is wrong with them.
///
/// A read never fails at once: it notes the fault and hands on a harmless value, and `finish` reports everything together, unknown names
/// before what is missing. So a decoder reads all it needs, calls `finish`, and only then uses what it has read.
struct RequestReader {
    let object: JSON?
    let pointer: JSONPointer
    let findings: RequestFindings

    /// - Parameter members: the names that the operation knows.
    init(_ call: Call, members: [String]) throws(Problem) {
        let document: JSON
        do throws(JSONSyntaxError) {
            document = call.body.isEmpty ? .object([]) : try JSON.parse(call.body)
        } catch {
            throw Problem(error)
        }
        self.init(document, at: .root, members: members, findings: RequestFindings())
        guard document.kind == .object else { throw Problem(invalid: [.init(place: .member(.root), detail: "An object is expected.")]) }
    }

    init(_ value: JSON?, at pointer: JSONPointer, members: [String], findings: RequestFindings) {
        self.pointer = pointer
        self.findings = findings
        object = value?.kind == .object ? value : nil
        guard let object else { return }
        // The usual request has no unknown member, and counting the known ones is quicker than naming all.
        guard members.count(where: { object[$0] != nil }) < object.count else { return }
        for (name, _) in object.members where !members.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
            let place = Problem.Fault.Place.member(pointer.appending(name))
            guard findings.note(unknown: name, at: place, among: members, "This member is not known here.") else { return }
        }
    }

    /// Throws what was found, if anything.
    func finish() throws(Problem) { try findings.finish() }

    func has(_ name: String) -> Bool { object?[name] != nil }

    func fault(_ name: String, _ detail: String) {
        findings.note(invalid: .member(pointer.appending(name)), detail)
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
