-- Users, their devices and the sessions of these. A UUIDv7 carries the time of its making, so no row repeats it.

-- migrate:up
CREATE TABLE users (
    user_id               uuid PRIMARY KEY,
    mobile_number         text NOT NULL UNIQUE,
    name                  text,
    profile_status        text,
    avatar_media_id       uuid,
    last_seen_visibility  text NOT NULL DEFAULT 'everyone' CHECK (last_seen_visibility IN ('everyone', 'contacts', 'nobody')),
    groups_visibility     text NOT NULL DEFAULT 'everyone' CHECK (groups_visibility IN ('everyone', 'contacts', 'nobody')),
    read_receipts         boolean NOT NULL DEFAULT true,
    discoverable          boolean NOT NULL DEFAULT true
);

-- One row for each number that has asked; only a keyed hash of the code is kept.
CREATE TABLE one_time_passwords (
    mobile_number  text PRIMARY KEY,
    otp_hash       bytea NOT NULL,
    attempts_left  integer NOT NULL,
    issued_at      timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL
);
CREATE INDEX one_time_passwords_by_expiry ON one_time_passwords (expires_at);

-- A removed device stays for a while as a tombstone, so that its tokens can be told apart from unknown ones.
CREATE TABLE devices (
    device_id     uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name          text NOT NULL,
    type          text NOT NULL,
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at    timestamptz
);
CREATE INDEX devices_in_use_by_user ON devices (user_id) INCLUDE (device_id) WHERE revoked_at IS NULL;
CREATE INDEX devices_of_user ON devices (user_id);
CREATE INDEX devices_revoked ON devices (revoked_at) WHERE revoked_at IS NOT NULL;

-- One row for each pair of tokens; a refresh makes a child of the row whose refresh token it used.
CREATE TABLE sessions (
    session_id          uuid PRIMARY KEY,
    device_id           uuid NOT NULL REFERENCES devices ON DELETE CASCADE,
    parent_id           uuid,
    access_hash         bytea NOT NULL UNIQUE,
    refresh_hash        bytea NOT NULL UNIQUE,
    access_expires_at   timestamptz NOT NULL,
    refresh_expires_at  timestamptz NOT NULL,
    used_at             timestamptz,
    refreshed_at        timestamptz
);
CREATE INDEX sessions_of_device ON sessions (device_id);
CREATE INDEX sessions_by_parent ON sessions (parent_id);

CREATE TABLE push_tokens (
    device_id    uuid NOT NULL REFERENCES devices ON DELETE CASCADE,
    token        text NOT NULL UNIQUE,
    type         text NOT NULL CHECK (type IN ('FCM', 'APN')),
    device_info  text,
    PRIMARY KEY (device_id, token)
);

CREATE TABLE contacts (
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    contact_id  uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (user_id, contact_id)
);
CREATE INDEX contacts_by_contact ON contacts (contact_id);

-- Which numbers a user has looked up, as keyed hashes: the daily quota counts new ones only.
CREATE TABLE number_lookups (
    user_id       uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    number_hash   bytea NOT NULL,
    looked_up_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, number_hash)
);
CREATE INDEX number_lookups_by_time ON number_lookups (user_id, looked_up_at);

-- migrate:down
DROP TABLE number_lookups, contacts, push_tokens, sessions, devices, one_time_passwords, users;
