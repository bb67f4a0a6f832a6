-- How a message ends that nobody acknowledges, and what it refers to.

-- migrate:up
ALTER TABLE inbox
    ADD COLUMN media_id    uuid,                            -- keeps the media while the item waits
    ADD COLUMN expires_at  timestamptz,                     -- null: with the retention
    ADD COLUMN is_fleeting boolean NOT NULL DEFAULT false;  -- expires without a trace: a ring
CREATE INDEX inbox_by_expiry ON inbox (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX inbox_by_media ON inbox (media_id) WHERE media_id IS NOT NULL;

-- The GAP item of each device that has missed something: what it says so far. It stands while that item waits in the inbox.
CREATE TABLE gaps (
    device_id   uuid PRIMARY KEY,
    message_id  uuid NOT NULL,
    dropped     bigint NOT NULL,
    since       timestamptz NOT NULL,
    until       timestamptz NOT NULL
);

-- migrate:down
DROP TABLE gaps;
DROP INDEX inbox_by_media, inbox_by_expiry;
ALTER TABLE inbox DROP COLUMN is_fleeting, DROP COLUMN expires_at, DROP COLUMN media_id;
