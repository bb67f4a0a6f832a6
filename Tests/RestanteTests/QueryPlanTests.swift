import Postgres
import Testing

@testable import Restante

/// The plans of the group commit, as a writer's session makes them: whatever the tables hold, a batch probes indexes and hashes.
@Suite final class QueryPlanTests {
    private let database: PopulatedDatabase

    init() throws {
        database = try PopulatedDatabase()
        try database.connection.execute(
            simple: """
                CREATE FUNCTION plan_of(name text, parameters int) RETURNS text LANGUAGE plpgsql AS $$
                DECLARE line text; plan text := '';
                BEGIN
                    FOR line IN EXECUTE 'EXPLAIN EXECUTE ' || quote_ident(name) || repeat('(', least(parameters, 1))
                        || array_to_string(array_fill('NULL'::text, ARRAY[parameters]), ',') || repeat(')', least(parameters, 1)) LOOP
                        plan := plan || line || chr(10);
                    END LOOP;
                    RETURN plan;
                END $$
                """, within: 10)
    }

    private func plan(_ statement: Statement, parameters: Int32) throws -> Plan {
        try database.connection.execute(simple: #"PREPARE "\#(statement.name)" AS \#(statement.sql)"#, within: 10)
        return Plan(text: try database.connection.execute(.plan, [.text(statement.name), .int32(parameters)])[0].text(0))
    }

    @Test func aBatchOfSendsProbesIndexes() throws {
        let plan = try plan(InboxStatements.send, parameters: 9)
        for table in ["devices", "users", "blocks", "sent_messages"] { #expect(plan.scansOnlyByIndex(table), "\(table):\n\(plan.text)") }
        #expect(plan.text.contains("hashed SubPlan"), "what was new is found by a hash:\n\(plan.text)")
        #expect(plan.joinsOfCTEs + plan.subplansOverCTEs == [], "every entry would be compared with every other:\n\(plan.text)")
    }

    @Test func aBatchOfSendsToGroupsProbesIndexes() throws {
        let plan = try plan(InboxStatements.sendToGroup, parameters: 10)
        for table in ["devices", "group_members", "sent_messages"] { #expect(plan.scansOnlyByIndex(table), "\(table):\n\(plan.text)") }
        #expect(plan.text.contains("hashed SubPlan"), "\(plan.text)")
        #expect(plan.joinsOfCTEs + plan.subplansOverCTEs == [], "every entry would be compared with every other:\n\(plan.text)")
    }

    @Test func aBatchOfEncryptedSendsProbesIndexes() throws {
        let plan = try plan(EncryptedSendStatements.send, parameters: 16)
        for table in ["devices", "device_keys", "users", "group_members", "blocks", "sent_messages"] {
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
        #expect(plan.scansOnlyByIndex("shared_items"), "\(plan.text)")
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

    /// Whether the table, or any partition of it, is read somewhere, and nowhere row by row.
    func scansOnlyByIndex(_ table: String) -> Bool {
        let scans = nodes.filter { $0.text.contains("Scan") && $0.text.contains(" on \(table)") }
        let byIndex = nodes.filter { $0.text.contains("Index") && $0.text.contains(" on \(table)") }
        return !byIndex.isEmpty && byIndex.count == scans.count
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
    fileprivate static let plan = Statement("test.plan_of", "SELECT plan_of($1::text, $2::int4)")
}
