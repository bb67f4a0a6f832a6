import JSON
import Postgres

// What the members are, and how each is judged.

extension RequestReader {
    func string(_ name: String, characters: ClosedRange<Int>) -> String {
        required(name).map { text($0, name, characters) } ?? ""
    }

    func optionalString(_ name: String, characters: ClosedRange<Int>) -> String? {
        object?[name].map { text($0, name, characters) }
    }

    /// A string counted in bytes of UTF-8; any other number of them is invalid.
    func string(_ name: String, bytes range: ClosedRange<Int>) -> String {
        guard let value = required(name) else { return "" }
        guard let length = value.utf8Count, range.contains(length), let text = value.string else {
            fault(name, "A string of \(range.lowerBound) to \(range.upperBound) bytes is expected.")
            return ""
        }
        return text
    }

    /// A string counted in bytes of UTF-8; more than `maxBytes` of them is answered with 413.
    func content(_ name: String, maxBytes: Int) -> String {
        guard let value = required(name) else { return "" }
        guard let length = value.utf8Count else {
            fault(name, "A string is expected.")
            return ""
        }
        guard length <= maxBytes else {
            findings.tooLarge = .tooLarge(maxBytes: maxBytes)
            return ""
        }
        return value.string ?? ""
    }

    func matching(_ name: String, _ form: TextForm) -> String {
        guard let value = required(name) else { return "" }
        return matching(value, name, form)
    }

    /// One of a few words; nil only where the fault was noted.
    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, of type: Choice.Type) -> Choice? where Choice.RawValue == String {
        required(name).flatMap { choice($0, name, type) }
    }

    func optionalChoice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, of type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        object?[name].flatMap { choice($0, name, type) }
    }

    func boolean(_ name: String) -> Bool? {
        guard let value = object?[name] else { return nil }
        if value.boolean == nil { fault(name, "true or false is expected.") }
        return value.boolean
    }

    func requiredBoolean(_ name: String) -> Bool {
        guard let value = required(name) else { return false }
        if value.boolean == nil { fault(name, "true or false is expected.") }
        return value.boolean ?? false
    }

    func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) -> Int {
        guard let value = object?[name] else { return standard }
        guard let integer = value.integer, let exact = Int(exactly: integer), range.contains(exact) else {
            fault(name, "An integer from \(range.lowerBound) to \(range.upperBound) is expected.")
            return standard
        }
        return exact
    }

    func optionalInteger(_ name: String, in range: ClosedRange<Int>) -> Int? {
        has(name) ? integer(name, in: range, default: range.lowerBound) : nil
    }

    func requiredInteger(_ name: String, in range: ClosedRange<Int>) -> Int {
        required(name) == nil ? range.lowerBound : integer(name, in: range, default: range.lowerBound)
    }

    /// Bytes as base64; `range` counts the bytes that it stands for.
    func base64(_ name: String, bytes range: ClosedRange<Int>) -> [UInt8] {
        required(name).map { base64($0, name, range) } ?? []
    }

    /// The same, handed on as the text that it is.
    func base64Text(_ name: String, bytes range: ClosedRange<Int>) -> [UInt8] {
        guard let value = required(name) else { return [] }
        guard let count = value.withUTF8(Base64.decodedCount) ?? nil, range.contains(count) else {
            faultOfBase64(name, range)
            return []
        }
        return value.utf8 ?? []
    }

    func optionalBase64(_ name: String, bytes range: ClosedRange<Int>) -> [UInt8]? {
        object?[name].map { base64($0, name, range) }
    }

    func identifier(_ name: String) -> Identifier {
        required(name).map { identifier($0, name) } ?? .zero
    }

    func optionalIdentifier(_ name: String) -> Identifier? {
        object?[name].map { identifier($0, name) }
    }

    func identifiers(_ name: String, count range: ClosedRange<Int>) -> [Identifier] {
        required(name).map { identifiers($0, name, range) } ?? []
    }

    func optionalIdentifiers(_ name: String, count range: ClosedRange<Int>) -> [Identifier]? {
        object?[name].map { identifiers($0, name, range) }
    }

    func strings(_ name: String, count range: ClosedRange<Int>, _ form: TextForm) -> [String] {
        guard let value = required(name), let elements = elements(value, name, range) else { return [] }
        return elements.enumerated().map { index, element in nested(name).matching(element, index, form) }
    }

    /// The nested object of that name, read by `body`; required.
    func object<Value>(_ name: String, members: [String], _ body: (RequestReader) -> Value) -> Value {
        body(reader(for: required(name), at: pointer.appending(name), members: members))
    }

    func optionalObject<Value>(_ name: String, members: [String], _ body: (RequestReader) -> Value) -> Value? {
        object?[name].map { body(reader(for: $0, at: pointer.appending(name), members: members)) }
    }

    func optionalObjects<Value>(
        _ name: String, count range: ClosedRange<Int>, members: [String], _ body: (RequestReader) -> Value
    ) -> [Value]? {
        guard let value = object?[name] else { return nil }
        return elements(value, name, range)?.enumerated().map { index, element in
            body(reader(for: element, at: pointer.appending(name).appending(index), members: members))
        }
    }
}

extension RequestReader {
    private func reader(for value: JSON?, at pointer: JSONPointer, members: [String]) -> RequestReader {
        if let value, value.kind != .object {
            findings.note(invalid: .member(pointer), "An object is expected.")
        }
        return RequestReader(value, at: pointer, members: members, findings: findings)
    }

    /// A place for faults of the elements of the array `name`.
    private func nested(_ name: String) -> RequestReader {
        RequestReader(nil, at: pointer.appending(name), members: [], findings: findings)
    }

    private func text(_ value: JSON, _ name: String, _ characters: ClosedRange<Int>) -> String {
        guard let text = value.string, characters.contains(text.unicodeScalars.count) else {
            fault(name, "A string of \(characters.lowerBound) to \(characters.upperBound) characters is expected.")
            return ""
        }
        return text
    }

    private func base64(_ value: JSON, _ name: String, _ range: ClosedRange<Int>) -> [UInt8] {
        guard let bytes = value.withUTF8(Base64.decode) ?? nil, range.contains(bytes.count) else {
            faultOfBase64(name, range)
            return []
        }
        return bytes
    }

    private func faultOfBase64(_ name: String, _ range: ClosedRange<Int>) {
        fault(name, "Base64 of \(range.lowerBound) to \(range.upperBound) bytes is expected, with its padding.")
    }

    private func matching(_ value: JSON, _ name: String, _ form: TextForm) -> String {
        guard let text = value.string, form.accepts(text) else {
            fault(name, form.expectation)
            return ""
        }
        return text
    }

    private func matching(_ value: JSON, _ index: Int, _ form: TextForm) -> String {
        matching(value, String(index), form)
    }

    private func choice<Choice: RawRepresentable & CaseIterable>(
        _ value: JSON, _ name: String, _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        // Swift takes some different texts for equal; the words here are ASCII, so bytes decide.
        let found = value.string.flatMap { text in Choice.allCases.first { $0.rawValue.utf8.elementsEqual(text.utf8) } }
        if found == nil { fault(name, "One of \(Choice.allCases.map(\.rawValue).joined(separator: ", ")) is expected.") }
        return found
    }

    private func identifier(_ value: JSON, _ name: String) -> Identifier {
        guard let text = value.string, let identifier = Identifier(text) else {
            fault(name, "A UUID is expected.")
            return .zero
        }
        return identifier
    }

    private func identifiers(_ value: JSON, _ name: String, _ range: ClosedRange<Int>) -> [Identifier] {
        guard let elements = elements(value, name, range) else { return [] }
        let reader = nested(name)
        return elements.enumerated().map { index, element in reader.identifier(element, String(index)) }
    }

    private func elements(_ value: JSON, _ name: String, _ range: ClosedRange<Int>) -> JSON.Elements? {
        guard value.kind == .array, range.contains(value.count) else {
            fault(name, "An array of \(range.lowerBound) to \(range.upperBound) elements is expected.")
            return nil
        }
        return value.elements
    }
}
