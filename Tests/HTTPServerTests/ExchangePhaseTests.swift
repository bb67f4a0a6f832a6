import Testing

@testable import HTTPServer

@Suite struct ExchangePhaseTests {
    @Test("An answer given in the handler is found when it returns") func synchronous() {
        var phase = ExchangePhase.running
        let (isClaimed, publication, parking) = (phase.claim(), phase.publish(), phase.park())
        #expect(isClaimed && publication == .leave && parking == .answer)
    }

    @Test("An answer given later goes through the queue") func later() {
        var phase = ExchangePhase.running
        let (parking, isClaimed, publication) = (phase.park(), phase.claim(), phase.publish())
        #expect(parking == .suspend && isClaimed && publication == .enqueue)
    }

    @Test("A handler that returns between claim and answer suspends, and the answer goes through the queue") func between() {
        var phase = ExchangePhase.running
        let (isClaimed, parking, publication) = (phase.claim(), phase.park(), phase.publish())
        #expect(isClaimed && parking == .suspend && publication == .enqueue)
    }

    @Test("In every order of two claimants and the handler's return, one answer reaches the connection by one way") func allOrders() {
        var outcomes = 0
        explore(phase: .running, first: .unclaimed, second: .unclaimed, parking: nil) { first, second, parking in
            outcomes += 1
            let winners = [first, second].filter { $0 != .lost }
            #expect(winners.count == 1)
            #expect(winners == [parking == .answer ? .left : .enqueued])
        }
        #expect(outcomes > 6)
    }

    @Test("It is open until someone has claimed it") func open() {
        var phase = ExchangePhase.running
        #expect(phase.isOpen)
        _ = phase.park()
        #expect(phase.isOpen)
        _ = phase.claim()
        #expect(!phase.isOpen)
        let isClaimedTwice = phase.claim()
        #expect(!isClaimedTwice)
    }

    enum Claimant { case unclaimed, claimed, lost, left, enqueued }

    /// Every interleaving of the three threads' steps.
    private func explore(
        phase: ExchangePhase, first: Claimant, second: Claimant, parking: ExchangePhase.Parking?,
        done: (Claimant, Claimant, ExchangePhase.Parking) -> Void
    ) {
        var isDone = true
        for (claimant, isFirst) in [(first, true), (second, false)] {
            var phase = phase
            guard let next = advance(claimant, &phase) else { continue }
            isDone = false
            explore(phase: phase, first: isFirst ? next : first, second: isFirst ? second : next, parking: parking, done: done)
        }
        guard let parking else {
            var phase = phase
            let parking = phase.park()
            return explore(phase: phase, first: first, second: second, parking: parking, done: done)
        }
        if isDone { done(first, second, parking) }
    }

    private func advance(_ claimant: Claimant, _ phase: inout ExchangePhase) -> Claimant? {
        switch claimant {
        case .unclaimed: phase.claim() ? .claimed : .lost
        case .claimed: phase.publish() == .leave ? .left : .enqueued
        case .lost, .left, .enqueued: nil
        }
    }
}
