-- migrate:up
-- What a minute's sweep looks for, so that it need not read whole tables: an active device leaves two dozen sessions a day behind.
CREATE INDEX sessions_by_end ON sessions (refresh_expires_at);
CREATE INDEX sessions_by_refresh ON sessions (refreshed_at) WHERE refreshed_at IS NOT NULL;
CREATE INDEX number_lookups_by_age ON number_lookups (looked_up_at);

-- migrate:down
DROP INDEX sessions_by_end, sessions_by_refresh, number_lookups_by_age;
