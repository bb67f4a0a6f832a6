-- Who has blocked whom, and how an account goes.

-- migrate:up
CREATE TABLE blocks (
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    blocked_id  uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (user_id, blocked_id)
);
CREATE INDEX blocks_by_blocked ON blocks (blocked_id);

-- An account that is being deleted, from the moment in which its devices are revoked until nothing is left of it: what a crash interrupts goes on from here.
CREATE TABLE account_removals (
    user_id     uuid PRIMARY KEY,
    device_ids  uuid[] NOT NULL,
    begun_at    timestamptz NOT NULL DEFAULT now()
);

-- A group outlives the account of who created it.
ALTER TABLE groups
    ALTER COLUMN created_by DROP NOT NULL,
    ADD CONSTRAINT groups_created_by FOREIGN KEY (created_by) REFERENCES users ON DELETE SET NULL;
CREATE INDEX groups_by_creator ON groups (created_by);

-- migrate:down
DROP INDEX groups_by_creator;
ALTER TABLE groups DROP CONSTRAINT groups_created_by;
UPDATE groups SET created_by = '00000000-0000-0000-0000-000000000000' WHERE created_by IS NULL;
ALTER TABLE groups ALTER COLUMN created_by SET NOT NULL;
DROP TABLE account_removals, blocks;
