import Postgres
import Synchronization

/// How many items wait in inboxes, and since when, looked up twice a minute so that a scrape costs the database nothing.
///
/// Counting a large table takes seconds, so only about a thousand of its pages are read: exact up to 8 MiB, an estimate beyond. Every node
/// samples the same table and shows about the same numbers.
final class InboxSampling: Sendable {
    struct Sample: Sendable {
        let rows: Double
        /// Seconds since the oldest item came; 0 where there is none.
        let oldest: Double
        /// Seconds of uptime.
        let time: Double
    }

    static let statements = [sample]
    /// Older than this a sample says nothing any more.
    private static let goodFor = 180.0

    private static let sample = Statement(
        "metrics.inbox",
        """
        WITH share AS MATERIALIZED (
            SELECT least(100, 1000 * 100.0 / greatest(1, pg_relation_size('inbox') / current_setting('block_size')::int8))::float4 AS percent
        ), sampled AS MATERIALIZED (
            SELECT message_id FROM inbox TABLESAMPLE SYSTEM (
                least(100, 1000 * 100.0 / greatest(1, pg_relation_size('inbox') / current_setting('block_size')::int8)))
        )
        SELECT ((SELECT count(*) FROM sampled) * 100 / percent)::int8, (SELECT message_id FROM sampled ORDER BY message_id LIMIT 1),
            (extract(epoch FROM now()) * 1000)::int8
        FROM share
        """)

    private let pool: Pool
    private let latest = Mutex<Sample?>(nil)

    init(pool: Pool) {
        self.pool = pool
    }

    /// Nil where the last look is too long ago, as after an outage.
    var current: Sample? {
        latest.withLock { sample in sample.flatMap { Uptime.seconds() - $0.time < Self.goodFor ? $0 : nil } }
    }

    /// Looks again and again, until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            // A look that fails is left out: the sample grows old, and then is none.
            try? await look()
            try? await Task.sleep(for: .seconds(30))
        }
    }

    func look() async throws {
        let sample = try await pool.run { connection in
            let row = try connection.execute(Self.sample)[0]
            let oldest = try row.optionalUUID(1).map { Double(try row.int64(2) - Timestamp(of: $0).milliseconds) / 1000 } ?? 0
            return Sample(rows: Double(try row.int64(0)), oldest: max(0, oldest), time: Uptime.seconds())
        }
        latest.withLock { $0 = sample }
    }
}
