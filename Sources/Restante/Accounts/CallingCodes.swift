/// The countries to which one-time passwords go, by the digits with which their numbers begin.
package struct CallingCodes: Sendable, Equatable {
    /// None: every country.
    package let codes: [String]

    package init(codes: [String] = []) {
        self.codes = codes
    }

    /// `49,43,1868`: a calling code, or more digits of a number where one code serves several countries. nil for anything else.
    package init?(_ text: String) {
        let codes = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard codes.allSatisfy({ (1...7).contains($0.utf8.count) && $0.utf8.allSatisfy(digits.contains) && $0.utf8.first != digits.lowerBound })
        else { return nil }
        self.codes = codes
    }

    package var text: String? {
        codes.isEmpty ? nil : codes.joined(separator: ",")
    }

    /// Whether a number in E.164 form belongs to one of them.
    func contains(_ mobileNumber: String) -> Bool {
        codes.isEmpty || codes.contains { mobileNumber.utf8.dropFirst().starts(with: $0.utf8) }
    }
}
