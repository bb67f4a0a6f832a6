"""Crowds: hundreds of users at once, put straight into the database, because to register each takes two requests."""


def add_crowd(database, group_id, members, devices=1):
    """Adds that many new users, with so many devices each, to a group, and counts them there; nobody is told."""
    database.query(f"""
        WITH person AS (
            INSERT INTO users (user_id, mobile_number)
            SELECT gen_random_uuid(), '+88' || (1e12 + floor(random() * 1e12))::bigint FROM generate_series(1, {members}) RETURNING user_id
        ), device AS (
            INSERT INTO devices (device_id, user_id, name, type)
            SELECT gen_random_uuid(), user_id, 'one of a crowd', 'cli' FROM person, generate_series(1, {devices})
        ), member AS (
            INSERT INTO group_members (group_id, user_id, is_admin, joined_at) SELECT '{group_id}', user_id, false, now() FROM person
        )
        UPDATE groups SET member_count = member_count + {members} WHERE group_id = '{group_id}'""")


def devices_of(database, group_id):
    """How many devices the members of a group have."""
    rows = database.query(f"""
        SELECT count(*) FROM group_members JOIN devices USING (user_id) WHERE group_id = '{group_id}' AND revoked_at IS NULL""")
    return int(rows[0][0])


def copies(database, group_id):
    """In how many inboxes each message to the group is that some inbox has, by messageId."""
    rows = database.query(f"""
        SELECT message_id, count(*) FROM inbox
        WHERE channel_id = '{group_id}' AND (sender_id IS NOT NULL OR convert_from(item, 'UTF8') LIKE '"direction":"out"%') GROUP BY message_id""")
    return {message_id: int(count) for message_id, count in rows}
