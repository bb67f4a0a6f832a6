import Testing

@testable import Restante

@Suite struct PollMachineTests {
    private var machine = PollMachine()

    @Test mutating func aPollThatFindsSomethingIsAnsweredAtOnce() {
        #expect(machine.open(1) == nil)
        #expect(machine.ticket == 1)
        #expect(machine.read(1, found: true) == .answer)
        #expect(machine.ticket == nil)
    }

    @Test mutating func aPollThatFindsNothingIsParkedAndWokenByAnArrival() {
        _ = machine.open(1)
        #expect(machine.read(1, found: false) == .park)
        #expect(machine.ticket == 1)
        #expect(machine.arrival() == .wake)
        #expect(machine.ticket == 1, "who wakes it decides whether it is answered or reads again")
    }

    @Test mutating func anArrivalForNobodyIsNothing() {
        #expect(machine.arrival() == .nothing)
        _ = machine.open(1)
        #expect(machine.read(1, found: false) == .park, "what came before the poll is found by its own read")
    }

    @Test mutating func anArrivalDuringTheReadMakesItReadOnceMore() {
        _ = machine.open(1)
        #expect(machine.arrival() == .nothing)
        #expect(machine.arrival() == .nothing)
        #expect(machine.read(1, found: false) == .readAgain)
        #expect(machine.read(1, found: false) == .park, "one more read sees all arrivals before it")
    }

    @Test mutating func anArrivalDuringTheSecondReadMakesAThird() {
        _ = machine.open(1)
        _ = machine.arrival()
        #expect(machine.read(1, found: false) == .readAgain)
        #expect(machine.arrival() == .nothing)
        #expect(machine.read(1, found: false) == .readAgain)
    }

    @Test mutating func aReadThatFindsSomethingAnswersWhateverArrivedMeanwhile() {
        _ = machine.open(1)
        _ = machine.arrival()
        #expect(machine.read(1, found: true) == .answer)
        _ = machine.open(2)
        #expect(machine.read(2, found: false) == .park, "news of the poll before are no news of this one")
    }

    @Test mutating func aNewPollSupersedesAReadingOne() {
        _ = machine.open(1)
        #expect(machine.open(2) == 1)
        #expect(machine.ticket == 2)
        #expect(machine.read(1, found: true) == .nothing, "the late read belongs to a poll that was answered")
        #expect(machine.read(1, found: false) == .nothing)
        #expect(machine.ticket == 2)
        #expect(machine.read(2, found: false) == .park)
    }

    @Test mutating func aNewPollSupersedesAParkedOne() {
        _ = machine.open(1)
        _ = machine.read(1, found: false)
        #expect(machine.open(2) == 1)
        #expect(machine.arrival() == .nothing, "the new poll has not read yet")
        #expect(machine.read(2, found: false) == .readAgain)
    }

    @Test mutating func closingTakesWhateverThePollIsDoing() {
        _ = machine.open(1)
        #expect(machine.close(1) == true)
        #expect(machine.ticket == nil)
        #expect(machine.read(1, found: true) == .nothing)

        _ = machine.open(2)
        _ = machine.read(2, found: false)
        #expect(machine.close(2) == true)
        #expect(machine.arrival() == .nothing)
    }

    @Test mutating func closingIsTheCallersToAnswerOnlyOnce() {
        #expect(machine.close(1) == false)
        _ = machine.open(1)
        #expect(machine.close(1) == true)
        #expect(machine.close(1) == false)
        _ = machine.open(2)
        #expect(machine.close(1) == false, "a late hang-up of the poll before")
        #expect(machine.ticket == 2)
    }

    @Test mutating func onlyAParkedPollLooksAgain() {
        #expect(machine.lookAgain() == nil)
        _ = machine.open(1)
        #expect(machine.lookAgain() == nil, "it is looking already")
        _ = machine.read(1, found: false)
        #expect(machine.lookAgain() == 1)
        #expect(machine.lookAgain() == nil)
        #expect(machine.arrival() == .nothing)
        #expect(machine.read(1, found: false) == .readAgain)
    }

    @Test mutating func aNewPollEndsWithTheFaultOfItsRead() {
        _ = machine.open(1)
        #expect(machine.readFailed(1, wasHeld: false) == true)
        #expect(machine.ticket == nil)
        #expect(machine.readFailed(1, wasHeld: false) == false)
    }

    @Test mutating func aHeldPollOutlivesAReadThatFails() {
        _ = machine.open(1)
        _ = machine.read(1, found: false)
        _ = machine.lookAgain()
        #expect(machine.readFailed(1, wasHeld: true) == false)
        #expect(machine.ticket == 1)
        #expect(machine.lookAgain() == 1, "it is parked, and the next look is its second chance")
    }

    @Test mutating func aFailureThatComesLateChangesNothing() {
        _ = machine.open(1)
        _ = machine.open(2)
        #expect(machine.readFailed(1, wasHeld: false) == false)
        #expect(machine.ticket == 2)
        _ = machine.read(2, found: false)
        #expect(machine.readFailed(2, wasHeld: false) == false, "nothing is being read")
        #expect(machine.arrival() == .wake)
    }
}
