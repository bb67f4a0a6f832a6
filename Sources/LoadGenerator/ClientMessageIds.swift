/// The `clientMessageId` of each send: a UUID that says which send of which run it is, so that a delivery needs no look-up.
package struct ClientMessageIds: Sendable {
    private let run: UInt64

    /// `run` marks the run; only 60 of its bits are kept.
    package init(run: UInt64) {
        // Version 4 (RFC 9562): to anyone else these are random ids.
        self.run = run & ~0xf000 | 0x4000
    }

    package func identifier(of sequence: Int) -> Identifier {
        Identifier(high: run, low: Self.variant | UInt64(sequence))
    }

    /// Nil for an id of another run.
    package func sequence(of identifier: Identifier) -> Int? {
        guard identifier.high == run, identifier.low & Self.variantMask == Self.variant else { return nil }
        return Int(identifier.low & ~Self.variantMask)
    }

    private static let variant: UInt64 = 0x8000_0000_0000_0000
    private static let variantMask: UInt64 = 0xc000_0000_0000_0000
}
