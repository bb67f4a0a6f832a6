-- When each user was last seen, as of at most a minute ago; who is present now is known in memory only.

-- migrate:up
CREATE TABLE presence (
    user_id       uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    last_seen_at  timestamptz NOT NULL
) WITH (fillfactor = 80);  -- room for the next value beside the row, since no index has it
INSERT INTO presence SELECT user_id, max(last_seen_at) FROM devices GROUP BY user_id;

-- migrate:down
DROP TABLE presence;
