import Postgres

/// The SQL of the groups.
enum GroupStatements {
    static let all = [
        insert, addMembers, lock, role, bump, remove, promoteLongestStanding, delete, adderRights, memberIds, list, members,
    ]

    static let insert = Statement(
        "groups.insert",
        """
        INSERT INTO groups (group_id, name, profile_status, created_by, member_count, revision)
        VALUES ($1::uuid, $2::text, nullif($3::text, ''), $4::uuid, $5::int4, 1)
        RETURNING group_id, name, profile_status, created_by, member_count, revision
        """)

    /// In the order of the array, each a microsecond longer a member than the next.
    static let addMembers = Statement(
        "groups.add_members",
        """
        INSERT INTO group_members (group_id, user_id, is_admin, joined_at)
        SELECT $1::uuid, m.user_id, coalesce(m.user_id = $3::uuid, false), now() + m.position * interval '1 microsecond'
        FROM unnest($2::uuid[]) WITH ORDINALITY AS m(user_id, position)
        """)

    /// Keeps sends and other changes out until the transaction ends.
    static let lock = Statement(
        "groups.lock",
        "SELECT group_id, name, profile_status, created_by, member_count, revision FROM groups WHERE group_id = $1::uuid FOR UPDATE")

    static let role = Statement("groups.role", "SELECT is_admin FROM group_members WHERE group_id = $1::uuid AND user_id = $2::uuid")

    static let bump = Statement(
        "groups.bump",
        """
        UPDATE groups SET revision = revision + 1, member_count = member_count + $2::int4 WHERE group_id = $1::uuid
        RETURNING group_id, name, profile_status, created_by, member_count, revision
        """)

    static let remove = Statement("groups.remove", "DELETE FROM group_members WHERE group_id = $1::uuid AND user_id = $2::uuid")

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

    /// For each user that exists: whether their privacy lets $2 add them.
    static let adderRights = Statement(
        "groups.adder_rights",
        """
        SELECT u.user_id, u.groups_visibility = 'everyone' OR u.groups_visibility = 'contacts'
            AND EXISTS (SELECT FROM contacts c WHERE c.user_id = u.user_id AND c.contact_id = $2::uuid)
        FROM users u WHERE u.user_id = ANY ($1::uuid[]) FOR KEY SHARE
        """)

    static let memberIds = Statement("groups.member_ids", "SELECT user_id FROM group_members WHERE group_id = $1::uuid")

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
