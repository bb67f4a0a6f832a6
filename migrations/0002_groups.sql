-- Groups and who is in them.

-- migrate:up
-- The row is locked FOR UPDATE by every change of the membership and FOR SHARE by every send, so a message is wholly before or wholly after a change.
CREATE TABLE groups (
    group_id        uuid PRIMARY KEY,
    name            text NOT NULL,
    profile_status  text,
    created_by      uuid NOT NULL,
    member_count    integer NOT NULL,
    revision        bigint NOT NULL
);

CREATE TABLE group_members (
    group_id   uuid NOT NULL REFERENCES groups ON DELETE CASCADE,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    is_admin   boolean NOT NULL,
    joined_at  timestamptz NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_of_user ON group_members (user_id, group_id);

-- migrate:down
DROP TABLE group_members, groups;
