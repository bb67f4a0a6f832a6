import Postgres

/// The SQL of the calls.
enum CallStatements {
    static let all = [lockUsers, going, insert, noteRing, addRingItem, lock, setState, dueRings, dueByRemoval, lookAfter, forget]

    /// Whoever starts a call holds both users, so that two who call each other are seen one after the other. In the order of ids, against deadlock.
    static let lockUsers = Statement(
        "calls.lock_users", "SELECT user_id FROM users WHERE user_id = ANY ($1::uuid[]) ORDER BY user_id FOR NO KEY UPDATE")

    static let going = Statement(
        "calls.going",
        """
        SELECT call_id, caller_id, caller_device_id, callee_id, callee_device_id, is_silent FROM calls
        WHERE state <> 'over' AND (caller_id = ANY ($1::uuid[]) OR callee_id = ANY ($1::uuid[])) ORDER BY call_id
        """)

    static let insert = Statement(
        "calls.insert",
        """
        INSERT INTO calls (call_id, kind, state, caller_id, caller_device_id, callee_id, is_silent, due_at)
        VALUES ($1::uuid, $2::text, 'ringing', $3::uuid, $4::uuid, $5::uuid, $6::bool, now() + make_interval(secs => $7::int4))
        RETURNING due_at
        """)

    static let noteRing = Statement(
        "calls.note_ring", "UPDATE calls SET rung_device_ids = $2::uuid[], ring_item_ids = ARRAY[$3::uuid] WHERE call_id = $1::uuid")

    static let addRingItem = Statement(
        "calls.add_ring_item", "UPDATE calls SET ring_item_ids = ring_item_ids || $2::uuid WHERE call_id = $1::uuid")

    /// All that happens to one call happens in one order.
    static let lock = Statement(
        "calls.lock",
        """
        SELECT call_id, kind, state, caller_id, caller_device_id, callee_id, callee_device_id, is_silent, rung_device_ids,
            ring_item_ids, greatest(1, ceil(extract(epoch FROM due_at - now())))::int4,
            coalesce(floor(extract(epoch FROM coalesce(ended_at, now()) - answered_at)), 0)::int4
        FROM calls WHERE call_id = $1::uuid FOR UPDATE
        """)

    static let setState = Statement(
        "calls.set_state",
        """
        UPDATE calls SET state = $2::text, callee_device_id = $3::uuid,
            due_at = CASE WHEN state = 'ringing' AND $2::text = 'answered' THEN now() + make_interval(secs => $4::int4) ELSE due_at END,
            answered_at = CASE WHEN $2::text = 'answered' THEN coalesce(answered_at, now()) ELSE answered_at END,
            ended_at = CASE WHEN $2::text = 'over' THEN coalesce(ended_at, now()) END
        WHERE call_id = $1::uuid
        """)

    /// What another node is at, it will finish.
    static let dueRings = Statement(
        "calls.due_rings",
        "SELECT call_id FROM calls WHERE state = 'ringing' AND due_at <= now() ORDER BY due_at LIMIT $1::int4 FOR UPDATE SKIP LOCKED")

    /// Calls of devices that were removed a moment ago.
    static let dueByRemoval = Statement(
        "calls.due_by_removal",
        """
        SELECT call_id FROM calls WHERE state <> 'over' AND call_id IN (
            SELECT c.call_id FROM devices d JOIN calls c ON c.caller_device_id = d.device_id WHERE d.revoked_at > now() - interval '1 minute'
            UNION ALL
            SELECT c.call_id FROM devices d JOIN calls c ON c.callee_device_id = d.device_id WHERE d.revoked_at > now() - interval '1 minute')
        LIMIT $1::int4 FOR UPDATE SKIP LOCKED
        """)

    /// Looks after calls that go on, and says why one has to end: a device was removed, a party was not seen for $4 seconds (where $3), or it has
    /// lasted for $5. The next look is in $2 seconds.
    static let lookAfter = Statement(
        "calls.look_after",
        """
        UPDATE calls c SET due_at = now() + make_interval(secs => $2::int4)
        WHERE c.call_id = ANY (ARRAY(
            SELECT call_id FROM calls WHERE state = 'answered' AND due_at <= now() ORDER BY due_at LIMIT $1::int4 FOR UPDATE SKIP LOCKED))
        RETURNING c.call_id, CASE
            WHEN EXISTS (SELECT FROM devices d WHERE d.device_id IN (c.caller_device_id, c.callee_device_id) AND d.revoked_at IS NOT NULL)
                OR $3::bool AND (SELECT count(*) FROM presence p
                    WHERE p.user_id IN (c.caller_id, c.callee_id) AND p.last_seen_at > now() - make_interval(secs => $4::int4)) < 2 THEN 'unreachable'
            WHEN c.answered_at < now() - make_interval(secs => $5::int4) THEN 'too-long' END
        """)

    static let forget = Statement("calls.forget", "DELETE FROM calls WHERE state = 'over' AND ended_at < now() - interval '1 hour'")
}
