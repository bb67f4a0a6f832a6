import Postgres
import Testing

@testable import Restante

@Suite struct PresenceSubscriptionsTests {
    private let watcher = Session(userId: Identifier(high: 1, low: 1), deviceId: Identifier(high: 2, low: 1), sessionId: Identifier(high: 3, low: 1))
    private let other = Session(userId: Identifier(high: 1, low: 9), deviceId: Identifier(high: 2, low: 9), sessionId: Identifier(high: 3, low: 9))
    private let anna = Identifier(high: 1, low: 2)
    private let bert = Identifier(high: 1, low: 3)

    private func watching(_ users: [Identifier: Bool], until ends: UInt64 = 1000) -> PresenceSubscriptions {
        var subscriptions = PresenceSubscriptions()
        subscriptions.set(watcher, users, until: ends)
        return subscriptions
    }

    private func told(
        _ subscriptions: inout PresenceSubscriptions, online: Set<Identifier>, most: Int = 100, at now: UInt64 = 0
    ) -> [Identifier: Bool] {
        Dictionary(uniqueKeysWithValues: subscriptions.take(most, at: now) { online.contains($0) }.map { ($0.userId, $0.isOnline) })
    }

    @Test func whoTurnedIsToldOnce() {
        var subscriptions = watching([anna: false, bert: true])
        subscriptions.turned(anna)
        subscriptions.turned(anna)
        #expect(told(&subscriptions, online: [anna, bert]) == [anna: true])
        #expect(told(&subscriptions, online: [anna, bert]) == [:])
    }

    @Test func aNoticeNamesTheDeviceAndWhoseItIs() {
        var subscriptions = watching([anna: false])
        subscriptions.turned(anna)
        #expect(
            subscriptions.take(1, at: 0) { _ in true }
                == [.init(deviceId: watcher.deviceId, watcherId: watcher.userId, userId: anna, isOnline: true)])
    }

    @Test func whoTurnedBackMeanwhileIsNotToldOf() {
        var subscriptions = watching([anna: false])
        subscriptions.turned(anna)
        #expect(told(&subscriptions, online: []) == [:])
    }

    @Test func whoIsNotWatchedIsNotToldOf() {
        var subscriptions = watching([anna: false])
        subscriptions.turned(bert)
        #expect(told(&subscriptions, online: [bert]) == [:])
    }

    @Test func theNextSetTakesThePlaceOfTheOneBefore() {
        var subscriptions = watching([anna: false])
        subscriptions.turned(anna)
        subscriptions.set(watcher, [bert: false], until: 1000)
        subscriptions.turned(anna)
        subscriptions.turned(bert)
        #expect(told(&subscriptions, online: [anna, bert]) == [bert: true])
    }

    @Test func anEmptySetEndsIt() {
        var subscriptions = watching([anna: false])
        subscriptions.set(watcher, [:], until: 1000)
        subscriptions.turned(anna)
        #expect(told(&subscriptions, online: [anna]) == [:])
    }

    @Test func whatHasEndedIsNotTold() {
        var subscriptions = watching([anna: false], until: 50)
        subscriptions.turned(anna)
        #expect(told(&subscriptions, online: [anna], at: 50) == [:])
        subscriptions.expire(at: 50)
        subscriptions.turned(anna)
        #expect(told(&subscriptions, online: [anna], at: 40) == [:], "it is gone")
    }

    @Test func aRemovedDeviceIsNotTold() {
        var subscriptions = watching([anna: false])
        subscriptions.set(other, [anna: false], until: 1000)
        subscriptions.turned(anna)
        subscriptions.remove(watcher.deviceId)
        #expect(subscriptions.take(9, at: 0) { _ in true }.map(\.deviceId) == [other.deviceId])
    }

    @Test func portionsLeaveNobodyOut() {
        let users = (0..<500).map { Identifier(high: 9, low: $0) }
        var subscriptions = watching(Dictionary(uniqueKeysWithValues: users.map { ($0, false) }))
        for user in users { subscriptions.turned(user) }
        var all: [Identifier: Bool] = [:]
        var portions = 0
        while true {
            let portion = told(&subscriptions, online: Set(users), most: 70)
            if portion.isEmpty { break }
            #expect(portion.count <= 70)
            all.merge(portion) { first, _ in first }
            portions += 1
        }
        #expect(all.count == 500)
        #expect(portions == 8)
    }

    @Test func whatCouldNotBeToldHasAnotherTurn() {
        var subscriptions = watching([anna: false, bert: false])
        subscriptions.turned(anna)
        subscriptions.turned(bert)
        let notices = subscriptions.take(9, at: 0) { _ in true }
        #expect(notices.count == 2)
        subscriptions.retry(notices)
        #expect(told(&subscriptions, online: [anna]) == [anna: true], "Bert has gone again, and was never told to have come")
    }
}
