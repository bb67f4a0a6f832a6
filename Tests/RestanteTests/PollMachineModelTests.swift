import Testing

@testable import Restante

/// Runs the machine against an inbox that is only a count, in every order that chance comes up with.
@Suite struct PollMachineModelTests {
    @Test(arguments: UInt64(1)...40)
    func noArrivalAfterAReadIsEverLost(seed: UInt64) {
        var model = Model(seed: seed)
        for _ in 0..<10_000 { model.step() }
        #expect(model.lost == 0)
        #expect(model.answeredTwice == 0)
        #expect(model.woken > 0)
        #expect(model.rereads > 0)
        #expect(model.superseded > 0)
        #expect(model.late > 0)
    }
}

/// A device, its inbox and its polls.
///
/// A read takes its snapshot when it begins or at any later moment, and reports later still, so an arrival can fall before, into, or after it.
private struct Model {
    private struct Read {
        let ticket: PollMachine.Ticket
        var snapshot: Int?
    }

    private var machine = PollMachine()
    private var random: SplitMix64
    private var lastTicket: PollMachine.Ticket = 0
    private var open: PollMachine.Ticket?
    private var reads: [Read] = []
    private var inbox = 0

    private(set) var lost = 0
    private(set) var answeredTwice = 0
    private(set) var woken = 0
    private(set) var rereads = 0
    private(set) var superseded = 0
    private(set) var late = 0

    init(seed: UInt64) {
        random = SplitMix64(state: seed)
    }

    mutating func step() {
        switch random.next() % 16 {
        case 0: poll()
        case 1, 2: if open == nil { poll() }
        case 3, 4: arrive()
        case 5, 6, 7, 8: snapshot()
        case 9, 10, 11, 12, 13: report()
        default: disturb()
        }
        // Nothing reads for the poll, and yet something lies there for it: it would wait in vain.
        if let open, inbox > 0, !reads.contains(where: { $0.ticket == open }) { lost += 1 }
    }

    private mutating func poll() {
        lastTicket += 1
        if let before = machine.open(lastTicket) {
            if before != open { answeredTwice += 1 }
            superseded += 1
        }
        open = lastTicket
        reads.append(Read(ticket: lastTicket))
    }

    private mutating func arrive() {
        inbox += 1
        guard machine.arrival() == .wake else { return }
        woken += 1
        guard let ticket = machine.ticket, machine.close(ticket) else { return answeredTwice += 1 }
        answer(ticket)
    }

    private mutating func snapshot() {
        guard let index = reads.firstIndex(where: { $0.snapshot == nil }) else { return }
        reads[index].snapshot = inbox
    }

    private mutating func report() {
        guard let index = reads.indices.filter({ reads[$0].snapshot != nil }).randomElement(using: &random) else { return }
        let read = reads.remove(at: index)
        switch machine.read(read.ticket, found: read.snapshot != 0) {
        case .answer: answer(read.ticket)
        case .readAgain:
            rereads += 1
            reads.append(Read(ticket: read.ticket))
        case .park: break
        case .nothing: late += 1
        }
    }

    /// A time to look again, or a client that hangs up.
    private mutating func disturb() {
        if random.next() % 2 == 0 {
            if let ticket = machine.lookAgain() { reads.append(Read(ticket: ticket)) }
        } else if let open, machine.close(open) {
            self.open = nil
        }
    }

    /// The client takes all there is and acknowledges it; only then are there no reads left that saw it.
    private mutating func answer(_ ticket: PollMachine.Ticket) {
        if ticket != open { answeredTwice += 1 }
        open = nil
        inbox = 0
        for index in reads.indices where reads[index].snapshot != nil { reads[index].snapshot = 0 }
    }
}

/// Source: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014).
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
