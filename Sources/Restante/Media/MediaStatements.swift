import Postgres

/// The SQL of media. Who may see one: its uploader, those it was sent to (the statements that write messages write that), and everybody while it is
/// an avatar, as everybody sees profiles.
enum MediaStatements {
    static let all = [
        find, use, lockUploader, usedToday, claim, claimed, ready, withdraw, removeOfUser,
        want, expireUnwanted, expireUnused, expireUnready, takeBlobChecks, interruptedRemovals, lockBlobs, condemn, stillCondemned, spareBlobs,
        removeBlob, noteBlob,
    ]

    /// $1 the media, $2 who asks.
    static let find = Statement(
        "media.find",
        """
        SELECT m.media_id, m.sha256, m.size, m.content_type FROM media m
        WHERE m.media_id = $1::uuid AND m.is_ready AND (
            m.uploader_id = $2::uuid
            OR EXISTS (SELECT FROM media_grants g WHERE g.media_id = m.media_id AND g.user_id = $2::uuid)
            OR EXISTS (SELECT FROM users u WHERE u.avatar_media_id = m.media_id))
        """)

    /// The same, and it is used now. What was used within ten minutes is not written: of a picture that everybody forwards, each send would wait for
    /// the one before it.
    static let use = Statement(
        "media.use",
        """
        WITH seen AS (
            SELECT m.media_id, m.used_at > now() - interval '10 minutes' AS is_recent FROM media m
            WHERE m.media_id = $1::uuid AND m.is_ready AND (
                m.uploader_id = $2::uuid
                OR EXISTS (SELECT FROM media_grants g WHERE g.media_id = m.media_id AND g.user_id = $2::uuid)
                OR EXISTS (SELECT FROM users u WHERE u.avatar_media_id = m.media_id))
        ), noted AS (
            UPDATE media m SET used_at = now(), wanted_at = now() FROM seen WHERE m.media_id = seen.media_id AND NOT seen.is_recent RETURNING m.media_id
        )
        SELECT media_id FROM seen WHERE is_recent UNION ALL SELECT media_id FROM noted
        """)

    static let lockUploader = Statement("media.lock_uploader", "SELECT FROM users WHERE user_id = $1::uuid FOR NO KEY UPDATE")

    /// What a user has uploaded in the last day, and is about to upload, 64 KiB each at least; seconds until the first of it is a day old. $2: media that does not count.
    static let usedToday = Statement(
        "media.used_today",
        """
        SELECT coalesce(sum(greatest(size, 65536)), 0)::int8, coalesce(ceil(extract(epoch FROM min(begun) + interval '1 day' - now())), 0)::int8
        FROM (
            SELECT size, uploaded_at AS begun FROM media WHERE uploader_id = $1::uuid AND uploaded_at > now() - interval '1 day' AND media_id <> $2::uuid
            UNION ALL
            SELECT size, created_at FROM media_uploads u
            WHERE user_id = $1::uuid AND created_at > now() - interval '1 day' AND upload_id <> $2::uuid
                AND NOT EXISTS (SELECT FROM media m WHERE m.media_id = u.upload_id)
        ) AS taken
        """)

    /// Enters media whose blob is on its way, which keeps the blob from being removed; no row where it is just being removed. It may have been entered
    /// before, by an upload that is finished once more after a crash.
    static let claim = Statement(
        "media.claim",
        """
        WITH blob AS (
            INSERT INTO media_blobs (sha256, size) VALUES ($3::bytea, $4::int8)
            ON CONFLICT (sha256) DO UPDATE SET size = excluded.size WHERE media_blobs.condemned_at IS NULL
            RETURNING sha256
        )
        INSERT INTO media (media_id, uploader_id, sha256, size, content_type)
        SELECT $1::uuid, $2::uuid, sha256, $4::int8, $5::text FROM blob
        ON CONFLICT (media_id) DO UPDATE SET sha256 = excluded.sha256
        RETURNING media_id
        """)

    static let ready = Statement("media.ready", "UPDATE media SET is_ready = true WHERE media_id = $1::uuid RETURNING media_id")

    /// Media of which it is not known whether its blob has arrived.
    static let claimed = Statement(
        "media.claimed", "SELECT sha256, size, content_type FROM media WHERE media_id = $1::uuid AND uploader_id = $2::uuid")

    static let withdraw = Statement("media.withdraw", "DELETE FROM media WHERE media_id = $1::uuid AND NOT is_ready")

    static let removeOfUser = Statement(
        "media.remove_of_user",
        "WITH uploads AS (DELETE FROM media_uploads WHERE user_id = $1::uuid) DELETE FROM media WHERE uploader_id = $1::uuid")

    /// Looks at the next $3 media that nobody is known to want for an hour, behind the one of $2 at $1, and notes what waits in inboxes or is shown as
    /// an avatar, so that it stays for a day after that. Being shown is being used. Returns the last that it has looked at.
    ///
    /// Scalar subqueries, so that each is a probe of an index: an EXISTS may be planned as a hash of all inboxes.
    static let want = Statement(
        "media.want",
        """
        WITH page AS (
            SELECT media_id, wanted_at FROM media
            WHERE wanted_at < now() - interval '1 hour' AND (wanted_at, media_id) > ($1::text::timestamptz, $2::uuid)
            ORDER BY wanted_at, media_id LIMIT $3::int4
        ), wanted AS (
            UPDATE media m SET wanted_at = now(),
                used_at = CASE WHEN EXISTS (SELECT FROM users u WHERE u.avatar_media_id = m.media_id) THEN now() ELSE m.used_at END
            WHERE m.media_id = ANY (ARRAY(
                SELECT w.media_id FROM page p JOIN media w ON w.media_id = p.media_id
                WHERE coalesce(
                    (SELECT true FROM inbox i WHERE i.media_id = p.media_id LIMIT 1),
                    (SELECT true FROM users u WHERE u.avatar_media_id = p.media_id LIMIT 1))
                FOR UPDATE OF w SKIP LOCKED))
        )
        SELECT wanted_at::text, media_id FROM page ORDER BY wanted_at DESC, media_id DESC LIMIT 1
        """)

    /// Media that nobody has wanted for a day; $1 at most.
    static let expireUnwanted = Statement(
        "media.expire_unwanted",
        """
        DELETE FROM media WHERE media_id = ANY (ARRAY(
            SELECT m.media_id FROM media m
            WHERE m.wanted_at < now() - interval '24 hours' AND coalesce(
                (SELECT true FROM inbox i WHERE i.media_id = m.media_id LIMIT 1),
                (SELECT true FROM users u WHERE u.avatar_media_id = m.media_id LIMIT 1)) IS NULL
            LIMIT $1::int4 FOR UPDATE OF m SKIP LOCKED))
        """)

    /// Media that has not been used for $2 days, whoever still waits for it; $1 at most. An avatar stays.
    static let expireUnused = Statement(
        "media.expire_unused",
        """
        DELETE FROM media WHERE media_id = ANY (ARRAY(
            SELECT m.media_id FROM media m
            WHERE m.used_at < now() - make_interval(days => $2::int4)
                AND (SELECT true FROM users u WHERE u.avatar_media_id = m.media_id LIMIT 1) IS NULL
            LIMIT $1::int4 FOR UPDATE OF m SKIP LOCKED))
        """)

    /// What uploads have left whose request or process died; $1 at most. One that a resumable upload becomes is finished when its client comes again.
    static let expireUnready = Statement(
        "media.expire_unready",
        """
        DELETE FROM media WHERE media_id = ANY (ARRAY(
            SELECT m.media_id FROM media m
            WHERE NOT m.is_ready AND m.uploaded_at < now() - interval '1 hour'
                AND NOT EXISTS (SELECT FROM media_uploads u WHERE u.upload_id = m.media_id)
            LIMIT $1::int4 FOR UPDATE OF m SKIP LOCKED))
        """)

    /// Takes $1 contents at most of which media was deleted; there may be more media of the same.
    static let takeBlobChecks = Statement(
        "media.take_blob_checks",
        """
        DELETE FROM media_blob_checks WHERE ctid = ANY (ARRAY(SELECT ctid FROM media_blob_checks LIMIT $1::int4 FOR UPDATE SKIP LOCKED)) RETURNING sha256
        """)

    /// Contents whose removal seems to have been interrupted; $1 at most.
    static let interruptedRemovals = Statement(
        "media.interrupted_removals", "SELECT sha256 FROM media_blobs WHERE condemned_at < now() - interval '10 minutes' LIMIT $1::int4")

    /// Keeps these from getting media until the transaction's end. The check is the next statement, which sees what was committed before this one
    /// had its locks.
    static let lockBlobs = Statement(
        "media.lock_blobs", "SELECT FROM media_blobs WHERE sha256 = ANY ($1::bytea[]) ORDER BY sha256 FOR UPDATE")

    static let condemn = Statement(
        "media.condemn",
        """
        UPDATE media_blobs b SET condemned_at = now()
        WHERE sha256 = ANY ($1::bytea[]) AND (condemned_at IS NULL OR condemned_at < now() - interval '10 minutes')
            AND NOT EXISTS (SELECT FROM media m WHERE m.sha256 = b.sha256)
        RETURNING sha256
        """)

    /// No row where another has removed this content meanwhile; it may be in use again.
    static let stillCondemned = Statement(
        "media.still_condemned",
        "UPDATE media_blobs SET condemned_at = now() WHERE sha256 = $1::bytea AND condemned_at IS NOT NULL RETURNING sha256")

    /// Contents whose removal has not been tried: uploads may have them again, and the next sweep.
    static let spareBlobs = Statement(
        "media.spare_blobs",
        """
        WITH spared AS (UPDATE media_blobs SET condemned_at = NULL WHERE sha256 = ANY ($1::bytea[]) RETURNING sha256)
        INSERT INTO media_blob_checks (sha256) SELECT sha256 FROM spared
        """)

    /// Not one that `noteBlob` has put off.
    static let removeBlob = Statement("media.remove_blob", "DELETE FROM media_blobs WHERE sha256 = $1::bytea AND condemned_at <= now()")

    /// Notes a blob that has come after the media for which it was kept was gone. Where a removal is under way that may have been too early for it,
    /// the row outlives that one, and looks like an interrupted removal later.
    static let noteBlob = Statement(
        "media.note_blob",
        """
        WITH noted AS (
            INSERT INTO media_blobs (sha256, size) VALUES ($1::bytea, $2::int8)
            ON CONFLICT (sha256) DO UPDATE SET condemned_at = now() + interval '10 minutes' WHERE media_blobs.condemned_at IS NOT NULL
        )
        INSERT INTO media_blob_checks (sha256) VALUES ($1::bytea)
        """)
}
