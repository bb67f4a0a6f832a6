-- Media: what was uploaded, by whom, and who may see it.

-- migrate:up
-- One row for each content that is in the store. One that is condemned is being removed: it has no media and gets none.
CREATE TABLE media_blobs (
    sha256        bytea PRIMARY KEY,
    size          bigint NOT NULL,
    condemned_at  timestamptz
);

CREATE TABLE media (
    media_id      uuid PRIMARY KEY,
    uploader_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    sha256        bytea NOT NULL REFERENCES media_blobs,
    size          bigint NOT NULL,
    content_type  text NOT NULL,
    is_ready      boolean NOT NULL DEFAULT false,      -- false: its blob is on the way into the store
    uploaded_at   timestamptz NOT NULL DEFAULT now(),
    used_at       timestamptz NOT NULL DEFAULT now(),  -- uploaded, sent, or made an avatar
    wanted_at     timestamptz NOT NULL DEFAULT now()   -- used, or waiting in an inbox
);
CREATE INDEX media_by_sha256 ON media (sha256);
CREATE INDEX media_by_uploader ON media (uploader_id, uploaded_at);
CREATE INDEX media_by_want ON media (wanted_at);
CREATE INDEX users_by_avatar ON users (avatar_media_id) WHERE avatar_media_id IS NOT NULL;

-- Those that it was sent to.
CREATE TABLE media_grants (
    media_id  uuid NOT NULL REFERENCES media ON DELETE CASCADE,
    user_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (media_id, user_id)
);
CREATE INDEX media_grants_of_user ON media_grants (user_id);

-- Resumable uploads. What is received lies in a file named after the upload; received_bytes of it are on disk. The media has the same id.
CREATE TABLE media_uploads (
    upload_id       uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    size            bigint NOT NULL,
    received_bytes  bigint NOT NULL DEFAULT 0,
    content_type    text NOT NULL,
    metadata        text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX media_uploads_of_user ON media_uploads (user_id, created_at);
CREATE INDEX media_uploads_by_age ON media_uploads (created_at);

-- migrate:down
DROP TABLE media_uploads, media_grants, media;
DROP INDEX users_by_avatar;
DROP TABLE media_blobs;
