import JSON
import Testing

@Suite struct SyntaxErrorTests {
    @Test(arguments: [
        // Numbers, literals and strings that JSON does not have.
        Fault("[01]", .syntax, 1, 2), Fault("[+1]", .syntax, 1, 2), Fault("[1.]", .syntax, 1, 3), Fault("[.5]", .syntax, 1, 2),
        Fault("[0x10]", .syntax, 1, 3), Fault("[NaN]", .syntax, 1, 4), Fault("[Infinity]", .syntax, 1, 9), Fault("[TRUE]", .syntax, 1, 5),
        Fault("['a']", .syntax, 1, 2), Fault(#"["\x"]"#, .syntax, 1, 4), Fault(#"["\u12g4"]"#, .syntax, 1, 7),
        Fault("[\"a\u{1}b\"]", .syntax, 1, 4), Fault("{\"a\":\"b\n\"}", .syntax, 1, 8), Fault("[\"a\tb\"]", .syntax, 1, 4),
        // Surrogates that are alone.
        Fault(#"["\ud800"]"#, .syntax, 1, 9), Fault(#"["\udc00"]"#, .syntax, 1, 9), Fault(#"["\ud800\ud800"]"#, .syntax, 1, 15),
        // Structure.
        Fault(#"{"a":1,}"#, .syntax, 1, 8), Fault("[1,]", .syntax, 1, 4), Fault("[1 2]", .syntax, 1, 4), Fault("{a:1}", .syntax, 1, 2),
        Fault(#"{"a" 1}"#, .syntax, 1, 6), Fault(#"{"a"}"#, .syntax, 1, 5), Fault("[}", .syntax, 1, 2), Fault("]", .syntax, 1, 1),
        Fault("[1] // no", .trailing, 1, 5), Fault("[/* no */]", .syntax, 1, 2), Fault("\u{FEFF}[]", .syntax, 1, 1),
        // Text that ends too early.
        Fault("{", .syntax, 1, 2), Fault("[1,", .syntax, 1, 4), Fault(#"{"a":"b"#, .syntax, 1, 8), Fault("[\n", .syntax, 2, 1),
        // Only objects and arrays.
        Fault("1", .syntax, 1, 1), Fault(#""text""#, .syntax, 1, 6), Fault("true", .syntax, 1, 4), Fault("null", .syntax, 1, 4),
        // One document, and there is one.
        Fault("", .emptyBody, 1, 1), Fault(" \r\n\t", .emptyBody, 1, 1), Fault("{} {}", .trailing, 1, 4), Fault("[]]", .trailing, 1, 3),
        Fault("{}\n\n x", .trailing, 3, 2),
        // Numbers out of range.
        Fault("[9223372036854775808]", .numberOutOfRange, 1, 20), Fault("[-9223372036854775809]", .numberOutOfRange, 1, 21),
        Fault("[1e400]", .numberOutOfRange, 1, 6), Fault("[-1e400]", .numberOutOfRange, 1, 7),
        // NUL.
        Fault("[\"a\0b\"]", .nulCharacter, 1, 4), Fault("[1]\0", .nulCharacter, 1, 4), Fault(#"["a", "b\u0000"]"#, .nulCharacter, 1, 7),
        Fault(#"{"a\u0000":1}"#, .nulCharacter, 1, 2),
    ])
    func faultsAreNamedAndPlaced(fault: Fault) throws {
        let error = try syntaxError(fault.text)
        #expect(error.reason == fault.reason)
        #expect([error.line, error.column] == [fault.line, fault.column])
        #expect(error.detail.hasSuffix("(line \(fault.line), column \(fault.column))."))
    }

    @Test(arguments: [
        // Next to each other, apart, nested, spelled with an escape, with quotes and backslashes, and with no name.
        Duplicate(#"{"a":1,"a":2}"#, "a", 1, 8),
        Duplicate("{\"a\": 1,\n \"b\": {\"é\": 1, \"c\": 2,\n  \"é\": 3}}", "é", 3, 3),
        Duplicate(#"[{"to":1,"\u0074o":2}]"#, "to", 1, 10),
        Duplicate(#"{"q\"\\":1,"q\"\\":2}"#, #"q"\"#, 1, 12),
        Duplicate(#"{"":1,"":2}"#, "", 1, 7),
    ])
    func aDuplicateMemberIsNamedAndPlacedWhereItsSecondNameBegins(duplicate: Duplicate) throws {
        let error = try syntaxError(duplicate.text)
        #expect(error.reason == .duplicateMember(duplicate.name))
        #expect([error.line, error.column] == [duplicate.line, duplicate.column])
    }

    @Test func theSameNameInDifferentObjectsIsNoDuplicate() throws {
        #expect(try parse(#"{"a":{"a":[{"a":1},{"a":2}]}}"#).count == 1)
    }

    @Test(
        arguments: [
            [0xFF], [0x80], [0xC3], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xE2, 0x28, 0xA1],
        ] as [[UInt8]])
    func bytesThatAreNoUTF8AreRefused(bytes: [UInt8]) throws {
        let error = try syntaxError(Array("{\n\"é\":\"".utf8) + bytes + Array("\"}".utf8))
        #expect(error.reason == .invalidUTF8)
        #expect([error.line, error.column] == [2, 6])
    }

    @Test func aTextThatEndsInsideACharacterIsInvalidUTF8() throws {
        #expect(try syntaxError(Array("[\"".utf8) + [0xF0, 0x9F]).reason == .invalidUTF8)
    }

    @Test func columnsCountCharactersNotBytes() throws {
        let error = try syntaxError(#"["é😀",]"#)
        #expect([error.line, error.column] == [1, 7])
    }

    @Test func detailsAreSentences() throws {
        #expect(try syntaxError(#"{"a":1,}"#).detail == "This is not JSON: string or '}' expected near '}' (line 1, column 8).")
        #expect(try syntaxError(#"{"a":1,"a":2}"#).detail == "The member \"a\" is there twice in the same object (line 1, column 8).")
        let deep = try syntaxError(String(repeating: "[", count: 33))
        #expect(deep.detail == "Objects and arrays are nested more than 32 deep (line 1, column 33).")
    }

    @Test func noPrefixOfADocumentIsADocumentAndNoneCrashes() throws {
        let document = Array(#"{"a":["é\u00e9\ud83d\ude00",-1.5e3,true,null,{"b":{}}],"c":false}"#.utf8)
        #expect(throws: Never.self) { try JSON.parse(document) }
        for length in document.indices {
            let error = try syntaxError(Array(document[..<length]))
            #expect(error.line == 1 && (1...length + 1).contains(error.column))
        }
    }

    @Test func aChangedByteNeverCrashesAndIsAlwaysPlacedInsideTheText() throws {
        let document = Array("{\"to\":\"x\",\n\"list\":[1,2.5,{\"\\u0041\":null}]}".utf8)
        for position in document.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = document
                changed[position] = byte
                do {
                    let text = try JSON.parse(changed).encoded()
                    #expect(throws: Never.self) { try JSON.parse(text) }
                } catch {
                    #expect((1...3).contains(error.line) && (1...changed.count + 1).contains(error.column))
                }
            }
        }
    }

    struct Fault: Sendable {
        var text: String
        var reason: JSONSyntaxError.Reason
        var line: Int
        var column: Int

        init(_ text: String, _ reason: JSONSyntaxError.Reason, _ line: Int, _ column: Int) {
            (self.text, self.reason, self.line, self.column) = (text, reason, line, column)
        }
    }

    struct Duplicate: Sendable {
        var text: String
        var name: String
        var line: Int
        var column: Int

        init(_ text: String, _ name: String, _ line: Int, _ column: Int) {
            (self.text, self.name, self.line, self.column) = (text, name, line, column)
        }
    }
}
