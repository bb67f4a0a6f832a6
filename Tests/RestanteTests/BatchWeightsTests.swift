import Postgres
import Testing

@testable import Restante

@Suite struct BatchWeightsTests {
    private let database: PopulatedDatabase

    init() throws {
        database = try PopulatedDatabase()
    }

    private func pending(_ message: OutgoingMessage) -> PendingTask {
        PendingTask(task: .send(message) { _ in }, deadline: .infinity)
    }

    @Test func aMessageToAGroupWeighsWhatTheLastOneCameTo() throws {
        let members = try (0..<5).map { _ in try database.addUser(devices: 2)[0] }
        let (group, other) = (try database.addGroup(of: members), try database.addGroup(of: [members[0]]))
        var weights = BatchWeights()
        let message = try database.message(from: members[0], to: .group(group))
        #expect(weights.rows(of: pending(message)) == BatchWeights.unknownGroup)
        weights.learn(from: try database.send(message, database.message(from: members[0], to: .group(other))))
        #expect(weights.rows(of: pending(message)) == 9)
        #expect(weights.rows(of: pending(try database.message(from: members[0], to: .group(other)))) == 1, "the sender's other device")
    }

    @Test func whatWroteNothingTeachesNothing() throws {
        let (member, outsider) = (try database.addUser()[0], try database.addUser()[0])
        let group = try database.addGroup(of: [member])
        var weights = BatchWeights()
        weights.learn(from: try database.send(database.message(from: outsider, to: .group(group))))
        #expect(weights.rows(of: pending(try database.message(from: member, to: .group(group)))) == BatchWeights.unknownGroup)
    }

    @Test func aVisitWeighsWhatItAcknowledges() throws {
        let device = try database.addUser()[0]
        let visit = InboxVisit(device: device, acknowledge: (0..<7).map { _ in database.identifiers.next() })
        #expect(BatchWeights().rows(of: PendingTask(task: .visit(visit) { _ in }, deadline: .infinity)) == 8)
        let search = InboxVisit(device: device, read: InboxQuery(channel: device.userId))
        #expect(BatchWeights().rows(of: PendingTask(task: .visit(search) { _ in }, deadline: .infinity)) == BatchWeights.search)
    }
}
