import Postgres
import Testing

@testable import Restante

/// The plans of the group commit, as a writer's session makes them: whatever the tables hold, a batch probes indexes and hashes.
@Suite final class QueryPlanTests {
    private let database: PopulatedDatabase

    init() throws {
        database = try PopulatedDatabase()
        try database.connection.execute(simple: Self.planOf, within: 10)
    }

    fileprivate static let planOf = """
        CREATE FUNCTION plan_of(name text, arguments text, options text) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE line text; plan text := '';
        BEGIN
            FOR line IN EXECUTE 'EXPLAIN ' || options || ' EXECUTE ' || quote_ident(name) || arguments LOOP
                plan := plan || line || chr(10);
            END LOOP;
            RETURN plan;
        END $$
        """

    private func plan(_ statement: Statement, parameters: Int) throws -> Plan {
        try database.connection.prepare(statement)
        let nulls = Array(repeating: "NULL", count: parameters).joined(separator: ",")
        return try database.connection.explain(statement, parameters == 0 ? "" : "(\(nulls))", "")
    }

    @Test func aBatchOfSendsProbesIndexes() throws {
        let plan = try plan(InboxStatements.send, parameters: 9)
        for table in ["devices", "users", "blocks", "media", "sent_messages"] { #expect(plan.scansOnlyByIndex(table), "\(table):\n\(plan.text)") }
        #expect(plan.text.contains("hashed SubPlan"), "what was new is found by a hash:\n\(plan.text)")
        #expect(plan.joinsOfCTEs + plan.subplansOverCTEs == [], "every entry would be compared with every other:\n\(plan.text)")
    }

    @Test func aBatchOfSendsToGroupsProbesIndexes() throws {
        let plan = try plan(InboxStatements.sendToGroup, parameters: 10)
        for table in ["devices", "group_members", "media", "sent_messages"] { #expect(plan.scansOnlyByIndex(table), "\(table):\n\(plan.text)") }
        #expect(plan.text.contains("hashed SubPlan"), "\(plan.text)")
        #expect(plan.joinsOfCTEs + plan.subplansOverCTEs == [], "every entry would be compared with every other:\n\(plan.text)")
    }

    @Test func aBatchOfEncryptedSendsProbesIndexes() throws {
        let plan = try plan(EncryptedSendStatements.send, parameters: 16)
        for table in ["devices", "device_keys", "users", "group_members", "blocks", "media", "sent_messages"] {
            #expect(plan.scansOnlyByIndex(table), "\(table):\n\(plan.text)")
        }
        #expect(plan.text.contains("hashed SubPlan"), "\(plan.text)")
        #expect(plan.joinsOfCTEs + plan.subplansOverCTEs == [], "every ciphertext would be compared with every message:\n\(plan.text)")
    }

    @Test func findingWhatWasSentProbesAnIndex() throws {
        let plan = try plan(InboxStatements.findSends, parameters: 4)
        #expect(plan.scansOnlyByIndex("sent_messages"), "\(plan.text)")
    }

    @Test func aBatchOfAcknowledgementsProbesIndexes() throws {
        let plan = try plan(InboxStatements.acknowledge, parameters: 5)
        for table in ["inbox", "devices", "blocks", "shared_items", "undelivered"] {
            #expect(plan.scansOnlyByIndex(table), "\(table):\n\(plan.text)")
        }
        #expect(plan.text.contains("hashed SubPlan"), "whose receipt is due is found by a hash:\n\(plan.text)")
        #expect(plan.joinsOfCTEs + plan.subplansOverCTEs == [], "\(plan.text)")
    }

    @Test func aBatchOfReadsProbesIndexesInTheirOrder() throws {
        let plan = try plan(InboxStatements.read, parameters: 7)
        for table in ["inbox", "shared_items"] { #expect(plan.scansOnlyByIndex(table), "\(table):\n\(plan.text)") }
        #expect(!plan.sortsBelowALimit, "an inbox of ten thousand items would be sorted for a page of ten:\n\(plan.text)")
    }

    @Test func releasingProbesAnIndex() throws {
        let plan = try plan(InboxStatements.release, parameters: 0)
        #expect(plan.scansOnlyByIndex("shared_items", probing: false), "\(plan.text)")
    }
}

/// What statements read of full tables, in pages: a plan that uses an index may still read all of it.
@Suite final class QueryCostTests {
    private let database: PopulatedDatabase
    private let alice: Session
    private let bob: Session

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser()[0]
        bob = try database.addUser()[0]
        try database.connection.execute(simple: QueryPlanTests.planOf, within: 10)
    }

    /// Twenty thousand sends of yesterday, as many of today: more than a hundred pages of index each.
    private func fillSentMessages() throws {
        try database.connection.execute(
            simple: """
                INSERT INTO sent_messages (day, sender_id, client_message_id, message_id, fingerprint)
                SELECT (now() AT TIME ZONE 'UTC')::date - n % 2, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), ''
                FROM generate_series(1, 40000) n
                """, within: 60)
    }

    private func uuids(_ identifiers: Identifier?...) -> String {
        "ARRAY[\(identifiers.map { $0.map { "'\($0)'" } ?? "NULL" }.joined(separator: ","))]::uuid[]"
    }

    /// The columns of one send, as all three statements begin.
    private func columns(to target: Identifier) -> [String] {
        [
            uuids(database.identifiers.next()), uuids(alice.userId), uuids(alice.deviceId), uuids(target), uuids(database.identifiers.next()),
            "ARRAY['x']::bytea[]", "ARRAY['x']::bytea[]", uuids(nil), "ARRAY[NULL]::int4[]",
        ]
    }

    private func cost(_ statement: Statement, _ arguments: [String], on connection: Connection? = nil) throws -> Plan {
        let connection = connection ?? database.connection
        try connection.prepare(statement)
        return try connection.explain(statement, "(\(arguments.joined(separator: ",")))", "(ANALYZE, BUFFERS)")
    }

    @Test func aSendReadsFewPagesOfWhatWasSentBefore() throws {
        try fillSentMessages()
        let plan = try cost(InboxStatements.send, columns(to: bob.userId))
        #expect(plan.text.contains("Insert on inbox"), "it was written:\n\(plan.text)")
        #expect(plan.buffers(of: "sent_messages") < 20, "\(plan.text)")
        let group = try database.addGroup(of: [alice, bob])
        let toGroup = try cost(InboxStatements.sendToGroup, columns(to: group) + ["1048576"])
        #expect(toGroup.buffers(of: "sent_messages") < 20, "\(toGroup.text)")
        var encrypted = columns(to: bob.userId)
        encrypted.insert("ARRAY[false]", at: 4)
        encrypted += ["ARRAY[false]", "ARRAY[]::int8[]", "ARRAY[]::uuid[]", "ARRAY[]::int8[]", "ARRAY[]::bytea[]", "1048576"]
        let sealed = try cost(EncryptedSendStatements.send, encrypted)
        #expect(sealed.buffers(of: "sent_messages") < 20, "\(sealed.text)")
    }

    @Test func findingWhatWasSentReadsFewPages() throws {
        try fillSentMessages()
        let next = database.identifiers
        let plan = try cost(InboxStatements.findSends, [uuids(next.next()), uuids(alice.userId), uuids(next.next()), uuids(alice.deviceId)])
        #expect(plan.buffers(of: "sent_messages") < 20, "\(plan.text)")
    }

    /// The sweeps' sessions have no guards, and keep the plans that they made when there was nothing yet.
    @Test func aSweepThatFindsNothingReadsFewPages() throws {
        let pool = try Connection.open(database.database.conninfo, settings: DatabaseSettings.ofPool, within: 10)
        defer { pool.close() }
        let undelivered = try #require(Retention.statements.first { $0.name == "retention.undelivered" })
        let sweeps = [
            (ExpiryStatements.takeAged, ["30", "1000"], "inbox"), (ExpiryStatements.takeExpired, ["1000"], "inbox"),
            (undelivered, ["1000", "30"], "undelivered"),
        ]
        for (statement, arguments, _) in sweeps {
            try pool.prepare(statement)
            for _ in 1...6 { try pool.execute(simple: #"EXECUTE "\#(statement.name)"(\#(arguments.joined(separator: ",")))"#, within: 10) }
        }
        try database.connection.execute(
            simple: """
                INSERT INTO inbox (device_id, message_id, channel_id, receipt_due, item)
                SELECT gen_random_uuid(), first_id_of(now() - n * interval '1 s'), gen_random_uuid(), 0, 'x' FROM generate_series(1, 20000) n;
                INSERT INTO undelivered SELECT gen_random_uuid(), message_id FROM inbox;
                """, within: 60)
        for (statement, arguments, table) in sweeps {
            let plan = try pool.explain(statement, "(\(arguments.joined(separator: ",")))", "(ANALYZE, BUFFERS)")
            #expect(plan.buffers(of: table) < 20, "\(plan.text)")
        }
    }
}

extension Connection {
    fileprivate func prepare(_ statement: Statement) throws {
        try execute(simple: #"PREPARE "\#(statement.name)" AS \#(statement.sql)"#, within: 10)
    }

    fileprivate func explain(_ statement: Statement, _ arguments: String, _ options: String) throws -> Plan {
        Plan(text: try execute(.plan, [.text(statement.name), .text(arguments), .text(options)])[0].text(0))
    }
}

/// A plan as EXPLAIN prints it.
private struct Plan {
    let text: String

    private struct Node {
        let depth: Int
        let text: Substring
    }

    private var nodes: [Node] {
        text.split(separator: "\n").filter { $0.contains("(cost=") }.map { line in
            Node(depth: line.prefix { " ->".contains($0) }.count, text: line.drop { " ->".contains($0) })
        }
    }

    /// The lines of each scan of the table or any partition of it: the node's own and what follows up to the next node.
    private func scans(of table: String) -> [[Substring]] {
        let lines = text.split(separator: "\n")
        let heads = lines.indices.filter { lines[$0].contains("(cost=") && lines[$0].contains("Scan") && lines[$0].contains(" on \(table)") }
        return heads.map { head in [lines[head]] + lines[(head + 1)...].prefix { !$0.contains("(cost=") } }
    }

    /// Whether the table is read somewhere, and nowhere row by row.
    ///
    /// - Parameter isProbing: whether each index must be entered by a column that is known; otherwise it may be read from end to end.
    func scansOnlyByIndex(_ table: String, probing isProbing: Bool = true) -> Bool {
        let scans = scans(of: table)
        let byIndex = scans.filter { $0[0].contains("Index") && (!isProbing || $0.contains { $0.contains(#/Index Cond: \(+\w+ = /#) }) }
        return !byIndex.isEmpty && byIndex.count == scans.count
    }

    /// How many pages the scans of the table have read, wherever they found them.
    func buffers(of table: String) -> Int {
        scans(of: table).compactMap { $0.first { $0.contains("Buffers:") } }.reduce(0) { sum, line in
            sum + line.matches(of: #/(?:hit|read)=(\d+)/#).reduce(0) { $0 + (Int($1.output.1) ?? 0) }
        }
    }

    /// The nested loops whose inner side reads a whole CTE or function again for each row of the outer side.
    var joinsOfCTEs: [String] {
        let nodes = nodes
        return nodes.indices.filter { nodes[$0].text.hasPrefix("Nested Loop") }.compactMap { loop in
            let below = nodes[(loop + 1)...].prefix { $0.depth > nodes[loop].depth }
            guard let depth = below.map(\.depth).min(), let inner = below.filter({ $0.depth == depth }).last else { return nil }
            return inner.text.hasPrefix("CTE Scan") || inner.text.hasPrefix("Materialize") ? String(inner.text) : nil
        }
    }

    /// The subplans that read a whole CTE again for each row of the query around them.
    var subplansOverCTEs: [String] {
        let lines = text.split(separator: "\n").map { $0.drop { " ->".contains($0) } }
        return lines.indices.dropFirst().dropLast().filter { index in
            lines[index - 1].hasPrefix("SubPlan") && lines[index].hasPrefix("CTE Scan") && lines[index + 1].hasPrefix("Filter:")
        }.map { String(lines[$0]) }
    }

    var sortsBelowALimit: Bool {
        let nodes = nodes
        return nodes.indices.contains { limit in
            nodes[limit].text.hasPrefix("Limit")
                && nodes[(limit + 1)...].prefix { $0.depth > nodes[limit].depth }.contains { $0.text.hasPrefix("Sort") }
        }
    }
}

extension Statement {
    fileprivate static let plan = Statement("test.plan_of", "SELECT plan_of($1::text, $2::text, $3::text)")
}
