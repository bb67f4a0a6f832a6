import Postgres

/// The SQL of the groups. Each statement that answers with a group has its columns in the order in which `Group` reads them.
enum GroupStatements {
    static let all = [
        insert, addMembers, lock, role, bump, rename, remove, setAdmin, otherAdmins, promoteLongestStanding, delete, adderRights, keepUser, lockUser,
        memberIds, groupIds, list, members,
    ]

    static let insert = Statement(
        "groups.insert",
        """
        INSERT INTO groups (group_id, name, profile_status, created_by, member_count, revision)
        VALUES ($1::uuid, $2::text, nullif($3::text, ''), $4::uuid, $5::int4, 1)
        RETURNING group_id, name, profile_status, created_by, member_count, revision
        """)

    /// In the order of the array, each a microsecond longer a member than the next; $3, if it is among them, as admin. The statement's time and not the
    /// transaction's: by then the group is locked, so whoever came later has a later time.
    static let addMembers = Statement(
        "groups.add_members",
        """
        INSERT INTO group_members (group_id, user_id, is_admin, joined_at)
        SELECT $1::uuid, m.user_id, coalesce(m.user_id = $3::uuid, false), statement_timestamp() + m.position * interval '1 microsecond'
        FROM unnest($2::uuid[]) WITH ORDINALITY AS m(user_id, position)
        """)

    /// Keeps sends and other changes out until the transaction ends.
    static let lock = Statement(
        "groups.lock",
        "SELECT group_id, name, profile_status, created_by, member_count, revision FROM groups WHERE group_id = $1::uuid FOR UPDATE")

    static let role = Statement("groups.role", "SELECT is_admin FROM group_members WHERE group_id = $1::uuid AND user_id = $2::uuid")

    /// Raises the revision, as every change does, and counts members in or out.
    static let bump = Statement(
        "groups.bump",
        """
        UPDATE groups SET revision = revision + 1, member_count = member_count + $2::int4 WHERE group_id = $1::uuid
        RETURNING group_id, name, profile_status, created_by, member_count, revision
        """)

    /// Changes what is given and raises the revision; no row where all of it was so before. An empty status unsets it.
    static let rename = Statement(
        "groups.rename",
        """
        UPDATE groups SET revision = revision + 1, name = coalesce($2::text, name),
            profile_status = CASE WHEN $3::text IS NULL THEN profile_status ELSE nullif($3::text, '') END
        WHERE group_id = $1::uuid
            AND (name <> $2::text OR $3::text IS NOT NULL AND profile_status IS DISTINCT FROM nullif($3::text, ''))
        RETURNING group_id, name, profile_status, created_by, member_count, revision
        """)

    static let remove = Statement("groups.remove", "DELETE FROM group_members WHERE group_id = $1::uuid AND user_id = $2::uuid")

    static let setAdmin = Statement(
        "groups.set_admin", "UPDATE group_members SET is_admin = $3::bool WHERE group_id = $1::uuid AND user_id = $2::uuid")

    static let otherAdmins = Statement(
        "groups.other_admins", "SELECT EXISTS (SELECT FROM group_members WHERE group_id = $1::uuid AND user_id <> $2::uuid AND is_admin)")

    /// Makes the longest-standing member admin where there is none; a row with the new admin, if one was made.
    static let promoteLongestStanding = Statement(
        "groups.promote_longest_standing",
        """
        UPDATE group_members SET is_admin = true
        WHERE group_id = $1::uuid AND user_id = (SELECT user_id FROM group_members WHERE group_id = $1::uuid ORDER BY joined_at, user_id LIMIT 1)
            AND NOT EXISTS (SELECT FROM group_members WHERE group_id = $1::uuid AND is_admin)
        RETURNING user_id
        """)

    static let delete = Statement("groups.delete", "DELETE FROM groups WHERE group_id = $1::uuid")

    /// For each user that exists: whether their privacy lets $2 add them, which a block never does. They cannot be deleted until the transaction ends.
    static let adderRights = Statement(
        "groups.adder_rights",
        """
        SELECT u.user_id, (u.groups_visibility = 'everyone' OR u.groups_visibility = 'contacts'
            AND EXISTS (SELECT FROM contacts c WHERE c.user_id = u.user_id AND c.contact_id = $2::uuid))
            AND NOT EXISTS (SELECT FROM blocks b WHERE b.user_id = u.user_id AND b.blocked_id = $2::uuid)
        FROM users u WHERE u.user_id = ANY ($1::uuid[]) ORDER BY u.user_id FOR KEY SHARE OF u
        """)

    /// Keeps a user from being deleted until the transaction ends; no row where there is none.
    static let keepUser = Statement("groups.keep_user", "SELECT user_id FROM users WHERE user_id = $1::uuid FOR KEY SHARE")

    /// Keeps a user from being added to a group, or joining one, until the transaction ends.
    static let lockUser = Statement("groups.lock_user", "SELECT user_id FROM users WHERE user_id = $1::uuid FOR UPDATE")

    static let memberIds = Statement("groups.member_ids", "SELECT user_id FROM group_members WHERE group_id = $1::uuid")

    static let groupIds = Statement("groups.group_ids", "SELECT group_id FROM group_members WHERE user_id = $1::uuid ORDER BY group_id")

    static let list = Statement(
        "groups.list",
        """
        SELECT g.group_id, g.name, g.profile_status, g.created_by, g.member_count, g.revision
        FROM group_members m JOIN groups g ON g.group_id = m.group_id
        WHERE m.user_id = $1::uuid AND m.group_id > $2::uuid ORDER BY m.group_id LIMIT $3::int4
        """)

    static let members = Statement(
        "groups.members",
        "SELECT user_id, is_admin, joined_at FROM group_members WHERE group_id = $1::uuid AND user_id > $2::uuid ORDER BY user_id LIMIT $3::int4")
}
