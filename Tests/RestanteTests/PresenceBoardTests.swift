import Postgres
import Testing

@testable import Restante

@Suite struct PresenceBoardTests {
    private typealias Tick = PresenceBoard.Tick
    private let anna = Identifier(high: 1, low: 1)
    private let bert = Identifier(high: 1, low: 2)

    /// Lets a board live through ticks, one by one, and says at which of them something was to be done.
    private struct Life {
        var board = PresenceBoard(at: 1000)
        var now: Tick = 1000
        var turned: [Tick] = []
        var written: [Tick] = []
        var announced: [Tick] = []
        var withdrawn: [Tick] = []

        mutating func pass(to end: Tick, signs: (Tick) -> Identifier? = { _ in nil }) {
            while now < end {
                now += 1
                if let user = signs(now) { board.sign(of: user, at: now) }
                note(board.pass(to: now))
            }
        }

        mutating func note(_ actions: PresenceBoard.Actions) {
            turned += actions.turned.map { _ in now }
            written += actions.writes.map { _ in now }
            announced += actions.announced.map { _ in now }
            withdrawn += actions.withdrawn.map { _ in now }
        }
    }

    @Test func aUserIsOnlineFromTheFirstSignTo35SecondsAfterTheLast() {
        var life = Life()
        life.pass(to: 5000) { [anna] in [1100, 1200, 1500].contains($0) ? anna : nil }
        #expect(life.turned == [1100, 1850])
    }

    @Test func theStatusDoesNotWaitForTheTimer() {
        var board = PresenceBoard(at: 1000)
        board.sign(of: anna, at: 1000)
        #expect(board.status(of: anna, at: 1349) == .init(isOnline: true, seen: 1000))
        #expect(board.status(of: anna, at: 1350) == .init(isOnline: false, seen: 1000))
        #expect(board.status(of: bert, at: 1000) == nil)
    }

    @Test(arguments: [1, 10, 100, 349] as [UInt64])
    func signsThatAreCloseEnoughKeepAUserOnline(gap: UInt64) {
        var life = Life()
        life.pass(to: 4000) { [anna] in $0 % gap == 0 ? anna : nil }
        #expect(life.turned.count == 1)
        #expect(life.withdrawn.isEmpty)
    }

    @Test func whoGoesAndComesWithinATurnHasNotTurned() {
        var board = PresenceBoard(at: 1000)
        board.sign(of: anna, at: 1000)
        _ = board.pass(to: 1001)
        board.sign(of: anna, at: 1351)
        #expect(board.pass(to: 1352).turned.isEmpty, "the timer had not rung yet")
    }

    @Test func theDatabaseIsToldAtOnceAndThenOnceAMinute() {
        var life = Life()
        life.pass(to: 4000) { [anna] in $0 <= 2650 ? anna : nil }
        #expect(life.written.first == 1001)
        for (before, after) in zip(life.written, life.written.dropFirst()) { #expect(after - before >= PresenceBoard.writeTicks) }
        #expect(life.written.count == 4, "1001, 1601, 2201, and the last sign at 2801")
        #expect(life.board.unwritten().isEmpty)
    }

    @Test func theLastSignIsWrittenHoweverSoonItCame() {
        var board = PresenceBoard(at: 1000)
        board.sign(of: anna, at: 1000)
        #expect(board.pass(to: 1001).writes.map(\.seen) == [1000])
        board.sign(of: anna, at: 1100)
        #expect(board.pass(to: 1599).writes.isEmpty)
        #expect(board.unwritten().map(\.seen) == [1100], "at the end of the process it would be written now")
        #expect(board.pass(to: 1600).writes.map(\.seen) == [1100])
    }

    @Test func whoIsGoneForLongIsForgotten() {
        var life = Life()
        life.board.sign(of: anna, at: 1000)
        life.pass(to: 2199)
        #expect(life.board.status(of: anna, at: 2199) != nil)
        life.pass(to: 2200)
        #expect(life.board.status(of: anna, at: 2200) == nil)
    }

    // Several nodes

    @Test func presenceIsAnnouncedWhileItLastsAndTakenBackAfterwards() {
        var life = Life()
        life.pass(to: 3000) { [anna] in $0 <= 2000 ? anna : nil }
        #expect(life.announced.first == 1001)
        for (before, after) in zip(life.announced, life.announced.dropFirst()) {
            #expect(PresenceBoard.announceTicks.contains(after - before))
        }
        #expect(life.withdrawn == [2350])
    }

    @Test func anotherNodesWordHoldsForAMinute() {
        var life = Life()
        life.board.hear(present: anna, at: 1000)
        life.pass(to: 3000)
        #expect(life.turned == [1001, 1600], "told with the turn after, and when the word has run out")
        #expect(life.announced.isEmpty && life.written.isEmpty, "that is the other node's affair")
    }

    @Test func aWordThatIsTakenBackEndsWithinTwoSeconds() {
        var life = Life()
        life.board.hear(present: anna, at: 1000)
        life.pass(to: 1300)
        life.board.hear(absent: anna, at: 1300)
        life.pass(to: 3000)
        #expect(life.turned == [1001, 1320])
    }

    @Test func aThirdNodeContradictsInTime() {
        var life = Life()
        life.board.hear(present: anna, at: 1000)
        life.pass(to: 1300)
        life.board.hear(absent: anna, at: 1300)
        life.pass(to: 1310)
        life.board.hear(present: anna, at: 1310)
        life.pass(to: 1800)
        #expect(life.turned == [1001])
    }

    @Test func whoIsHereIsAnnouncedAtOnceWhereAnotherNodeTakesItsWordBack() {
        var life = Life()
        life.pass(to: 1100) { [anna] _ in anna }
        life.announced = []
        life.board.hear(absent: anna, at: 1100)
        life.pass(to: 1101)
        #expect(life.announced == [1101])
        #expect(life.turned == [1001])
    }

    @Test func aWordTakenBackForSomebodyUnknownIsNothing() {
        var board = PresenceBoard(at: 1000)
        board.hear(absent: anna, at: 1000)
        #expect(board.status(of: anna, at: 1000) == nil)
        let actions = board.pass(to: 2000)
        #expect(actions.turned.isEmpty && actions.withdrawn.isEmpty)
    }

    @Test func whoMovesToAnotherNodeStaysOnline() {
        var life = Life()
        life.pass(to: 1300) { [anna] _ in anna }
        life.board.hear(present: anna, at: 1310)
        life.pass(to: 1800)
        #expect(life.turned == [1001])
        #expect(life.withdrawn == [1650])
    }

    /// Every order of up to five events, with pauses of every kind between them: what is told always agrees with what holds.
    @Test func whateverHappensWhatIsToldIsWhatHolds() {
        let events: [(inout PresenceBoard, Tick) -> Void] = [
            { $0.sign(of: Identifier(high: 1, low: 1), at: $1) },
            { $0.hear(present: Identifier(high: 1, low: 1), at: $1) },
            { $0.hear(absent: Identifier(high: 1, low: 1), at: $1) },
        ]
        let pauses: [Tick] = [1, 15, 349, 351, 700]
        var orders = 0
        func explore(_ board: PresenceBoard, _ now: Tick, told: Bool, depth: Int) {
            for event in events {
                for pause in pauses {
                    var (next, told) = (board, told)
                    event(&next, now)
                    let later = now + pause
                    // The shell takes the actions often; here once before and once after the pause is the worst it may do.
                    for moment in [now, later] where next.pass(to: moment).turned.count % 2 == 1 { told.toggle() }
                    #expect(told == next.status(of: anna, at: later)?.isOnline ?? false)
                    orders += 1
                    if depth > 1 { explore(next, later, told: told, depth: depth - 1) }
                }
            }
        }
        explore(PresenceBoard(at: 1000), 1000, told: false, depth: 3)
        #expect(orders == 15 + 15 * 15 + 15 * 15 * 15)
    }
}
