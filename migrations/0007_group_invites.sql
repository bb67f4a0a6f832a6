-- The codes by which people join groups.

-- migrate:up
-- The one invite of a group that is good. Of its code there is a hash only, by which a joining user's is found.
CREATE TABLE group_invites (
    group_id   uuid PRIMARY KEY REFERENCES groups ON DELETE CASCADE,
    code_hash  bytea NOT NULL UNIQUE
);

-- migrate:down
DROP TABLE group_invites;
