-- What the quota and the sweep of media look for, so that they need not read whole tables.

-- migrate:up
DROP INDEX media_by_uploader;
CREATE INDEX media_by_uploader ON media (uploader_id, uploaded_at) INCLUDE (size);
CREATE INDEX media_by_use ON media (used_at);
CREATE INDEX media_unready ON media (uploaded_at) WHERE NOT is_ready;
CREATE INDEX media_blobs_condemned ON media_blobs (condemned_at) WHERE condemned_at IS NOT NULL;

-- The contents of deleted media, whatever has deleted it, until somebody has looked whether there is more media of the same.
CREATE TABLE media_blob_checks (
    sha256  bytea NOT NULL
);
INSERT INTO media_blob_checks SELECT sha256 FROM media_blobs b WHERE NOT EXISTS (SELECT FROM media m WHERE m.sha256 = b.sha256);

CREATE FUNCTION note_blobs_of_deleted_media() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO media_blob_checks SELECT DISTINCT sha256 FROM deleted;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_blobs AFTER DELETE ON media REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION note_blobs_of_deleted_media();

-- migrate:down
DROP TRIGGER note_blobs ON media;
DROP FUNCTION note_blobs_of_deleted_media;
DROP TABLE media_blob_checks;
DROP INDEX media_by_uploader, media_by_use, media_unready, media_blobs_condemned;
CREATE INDEX media_by_uploader ON media (uploader_id, uploaded_at);
