-- The key directory of end-to-end encryption: what others need to begin a session with a device. The server never looks into a key.

-- migrate:up
-- The keys of which a device has one each, and whether it has been told that its one-time keys run low. Whoever changes any key of the device holds
-- the row.
CREATE TABLE device_keys (
    device_id               uuid PRIMARY KEY REFERENCES devices ON DELETE CASCADE,
    registration_id         bigint,
    identity_key            bytea,
    signed_key_id           bigint,
    signed_public_key       bytea,
    signed_signature        bytea,
    last_resort_key_id      bigint,
    last_resort_public_key  bytea,
    last_resort_signature   bytea,
    one_time_is_low         boolean NOT NULL DEFAULT false,
    pq_is_low               boolean NOT NULL DEFAULT false,
    -- Others can begin a session: the device "has keys".
    is_complete             boolean NOT NULL GENERATED ALWAYS AS
        (registration_id IS NOT NULL AND identity_key IS NOT NULL AND signed_key_id IS NOT NULL) STORED
);

-- A key that was handed out is gone; its row stays without it, because the id is never good again.
CREATE TABLE one_time_keys (
    device_id        uuid NOT NULL REFERENCES device_keys ON DELETE CASCADE,
    is_post_quantum  boolean NOT NULL,
    key_id           bigint NOT NULL,
    public_key       bytea,   -- null: handed out
    signature        bytea,   -- of post-quantum keys
    PRIMARY KEY (device_id, is_post_quantum, key_id)
);
CREATE INDEX one_time_keys_left ON one_time_keys (device_id, is_post_quantum, key_id) WHERE public_key IS NOT NULL;

-- When a user claimed one-time keys of a device lately, so that nobody drains them.
CREATE TABLE key_claims (
    device_id   uuid NOT NULL REFERENCES devices ON DELETE CASCADE,
    claimer_id  uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    claimed_at  timestamptz[] NOT NULL,
    latest_at   timestamptz NOT NULL,
    PRIMARY KEY (device_id, claimer_id)
);
CREATE INDEX key_claims_of_claimer ON key_claims (claimer_id);
CREATE INDEX key_claims_by_time ON key_claims (latest_at);

-- migrate:down
DROP TABLE key_claims, one_time_keys, device_keys;
