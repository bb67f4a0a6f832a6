import Postgres
import Testing

@testable import Restante

/// The plans of what is done from time to time, in tables that hold much of which nothing is due: each of these is asked every second or minute, on every node.
@Suite final class SweepPlanTests {
    private let database: PopulatedDatabase
    /// Set as a session of the pool is, which has the planner's own judgement.
    private let connection: Connection

    init() throws {
        database = try PopulatedDatabase()
        connection = try Connection.open(database.database.conninfo, settings: DatabaseSettings.ofPool, within: 10)
        try connection.execute(
            simple: """
                INSERT INTO users (user_id, mobile_number) SELECT gen_random_uuid(), n FROM generate_series(1, 2000) n;
                INSERT INTO devices (device_id, user_id, name, type, revoked_at)
                SELECT gen_random_uuid(), user_id, '', 'cli', CASE WHEN n = 1 AND random() < 0.1 THEN now() - random() * interval '6 days' END
                FROM users, generate_series(1, 5) n;
                INSERT INTO sessions (session_id, device_id, access_hash, refresh_hash, access_expires_at, refresh_expires_at, refreshed_at)
                SELECT gen_random_uuid(), device_id, decode(md5(n || device_id::text), 'hex'), decode(md5(-n || device_id::text), 'hex'), now(),
                    now() + random() * interval '30 days', now() - random() * interval '29 days'
                FROM devices, generate_series(1, 5) n;
                INSERT INTO number_lookups SELECT user_id, decode(md5(n::text), 'hex'), now() - random() * interval '29 days'
                FROM users, generate_series(1, 20) n;
                INSERT INTO media_blobs (sha256, size) VALUES ('x', 1);
                INSERT INTO media (media_id, uploader_id, sha256, size, content_type, is_ready, wanted_at, used_at)
                SELECT gen_random_uuid(), user_id, 'x', 1, '', true, now() - random() * interval '23 hours', now() - random() * interval '29 days'
                FROM users, generate_series(1, 10) n;
                INSERT INTO inbox SELECT device_id, gen_random_uuid(), user_id, NULL, 0, 'x' FROM devices, generate_series(1, 10) WHERE revoked_at IS NULL;
                """, within: 60)
        try connection.execute(simple: "ANALYZE", within: 60)
    }

    deinit {
        connection.close()
    }

    private func plan(_ statement: Statement, _ parameters: String...) throws -> String {
        let list = parameters.isEmpty ? "" : "(\(parameters.joined(separator: ", ")))"
        try connection.execute(
            simple: """
                PREPARE "\(statement.name)" AS \(statement.sql);
                CREATE OR REPLACE FUNCTION pg_temp.plan() RETURNS text LANGUAGE plpgsql AS $plan$
                DECLARE line text; plan text := '';
                BEGIN
                    FOR line IN EXECUTE $$EXPLAIN EXECUTE "\(statement.name)"\(list)$$ LOOP plan := plan || line || chr(10); END LOOP;
                    RETURN plan;
                END $plan$
                """, within: 10)
        return try connection.execute(.plan)[0].text(0)
    }

    private func retention(_ name: String) throws -> Statement {
        try #require(Retention.statements.first { $0.name == "retention.\(name)" })
    }

    @Test(arguments: [("sessions", "sessions"), ("refreshed_sessions", "sessions"), ("tombstones", "devices"), ("lookups", "number_lookups")])
    func aMinutesSweepReadsNoTableWhole(name: String, table: String) throws {
        let plan = try plan(retention(name), "1000")
        #expect(plan.contains(" on \(table)"))
        #expect(!plan.contains("Seq Scan on \(table)"), "\(plan)")
    }

    @Test func whatIsWantedIsFoundByProbes() throws {
        let plan = try plan(MediaStatements.want, "'-infinity'", "'00000000-0000-0000-0000-000000000000'", "1000")
        #expect(plan.contains("media_by_want"), "\(plan)")
        for table in ["inbox", "users"] { #expect(plan.contains("on \(table)") && !plan.contains("Seq Scan on \(table)"), "\(plan)") }
    }

    @Test func mediaThatHasToGoIsFoundByIndexes() throws {
        let plans = try [
            plan(MediaStatements.expireUnwanted, "1000"), plan(MediaStatements.expireUnused, "1000", "30"),
            plan(MediaStatements.expireUnready, "1000"),
            plan(MediaStatements.usedToday, "gen_random_uuid()", "gen_random_uuid()"),
        ]
        for plan in plans { #expect(plan.contains("on media") && !plan.contains("Seq Scan on media "), "\(plan)") }
    }

    @Test func whatIsLeftOfRemovedDevicesIsFoundByProbes() throws {
        let plan = try plan(retention("removed_with_items"))
        #expect(plan.contains("on inbox") && !plan.contains("Seq Scan on inbox"), "\(plan)")
        #expect(!plan.contains("Seq Scan on devices"), "\(plan)")
    }

    @Test func anInboxIsClearedByItsIndex() throws {
        let clear = try #require(InboxStore.statements.first { $0.name == "inbox.clear" })
        let plan = try plan(clear, "ARRAY[gen_random_uuid()]", "500")
        #expect(plan.contains("on inbox") && !plan.contains("Seq Scan on inbox"), "\(plan)")
    }
}

extension Statement {
    fileprivate static let plan = Statement("test.sweep_plan", "SELECT pg_temp.plan()")
}
