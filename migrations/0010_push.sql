-- Which devices were woken by push, and where the look for forgotten ones stands.

-- migrate:up
-- A push service that says since when a token is void is right only about what was registered before.
ALTER TABLE push_tokens ADD COLUMN registered_at timestamptz NOT NULL DEFAULT now();

-- One row for each device that was woken since it registered a token. Whoever writes the row sends the push: so two nodes send one.
CREATE TABLE wake_ups (
    device_id   uuid PRIMARY KEY REFERENCES devices ON DELETE CASCADE,
    message_id  uuid NOT NULL,         -- the newest message that waited then; once it is gone, the device has come
    woken_at    timestamptz NOT NULL,
    attempts    smallint NOT NULL,     -- since a push service last took one
    retry_at    timestamptz            -- null: taken, or given up; else nobody has it from then on
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- The nodes share one walk through all devices with tokens: a page at a time, by whichever node comes first.
CREATE TABLE push_round (
    is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    after_id   uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    next_at    timestamptz NOT NULL DEFAULT now()
);
INSERT INTO push_round DEFAULT VALUES;

-- migrate:down
DROP TABLE push_round, wake_ups;
ALTER TABLE push_tokens DROP COLUMN registered_at;
