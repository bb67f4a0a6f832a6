-- The inbox of every device, and what a send must remember.

-- migrate:up
-- One row for each device and item, in the order of its message ids; an acknowledgement deletes it. No foreign key, no sequence and no other
-- unique constraint: every statement names a device_id, so the table can be spread by it.
CREATE TABLE inbox (
    device_id    uuid NOT NULL,
    message_id   uuid NOT NULL,
    channel_id   uuid NOT NULL,      -- the other user, or the group
    sender_id    uuid,               -- who is told of the delivery
    receipt_due  smallint NOT NULL,  -- 0 none; 1 at this row's acknowledgement; 2 at the first of several devices', see undelivered
    item         bytea,              -- the JSON as it is served, after its messageId and sentAt; null: in shared_items
    PRIMARY KEY (device_id, message_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000000);
CREATE INDEX inbox_by_age ON inbox USING brin (message_id) WITH (pages_per_range = 32, autosummarize = on);

-- A group's item whose copies would be large is stored once; the last acknowledgement takes it away.
CREATE TABLE shared_items (
    message_id   uuid PRIMARY KEY,
    item         bytea NOT NULL,
    outstanding  integer NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, fillfactor = 50);
CREATE INDEX shared_items_unused ON shared_items (message_id) WHERE outstanding <= 0;

-- Messages to somebody with several devices, none of which has acknowledged yet: who deletes the row owes the sender the receipt.
CREATE TABLE undelivered (
    recipient_id  uuid NOT NULL,
    message_id    uuid NOT NULL,
    PRIMARY KEY (recipient_id, message_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX undelivered_by_age ON undelivered USING brin (message_id) WITH (pages_per_range = 32, autosummarize = on);

-- What makes a repeated send harmless. By day, so that it is dropped, not scanned.
CREATE TABLE sent_messages (
    day                date NOT NULL,
    sender_id          uuid NOT NULL,
    client_message_id  uuid NOT NULL,
    message_id         uuid NOT NULL,
    fingerprint        bytea NOT NULL,
    PRIMARY KEY (day, sender_id, client_message_id)
) PARTITION BY RANGE (day);

-- Who has written to whom, either way; outlives the messages.
CREATE TABLE chats (
    low_user_id      uuid NOT NULL,
    high_user_id     uuid NOT NULL,
    last_message_id  uuid NOT NULL,
    PRIMARY KEY (low_user_id, high_user_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX chats_by_high_user ON chats (high_user_id);

-- The smallest UUIDv7 of a moment: message ids at or above it are not older. The database's clock decides what is old.
CREATE FUNCTION first_id_of(moment timestamptz) RETURNS uuid LANGUAGE sql STABLE STRICT PARALLEL SAFE RETURN
    (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid;

-- Makes the days of sent_messages ahead and drops those that are past the window. Attaching keeps sends going; dropping locks them out for a moment.
CREATE FUNCTION rotate_sent_messages(window_hours integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    today  constant date := (now() AT TIME ZONE 'UTC')::date;
    oldest constant date := ((now() - make_interval(hours => window_hours)) AT TIME ZONE 'UTC')::date;
    each   date;
    name   text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('rotate_sent_messages'));
    FOR each IN SELECT generate_series(today - 1, today + 2, interval '1 day')::date LOOP
        name := 'sent_messages_' || to_char(each, 'YYYYMMDD');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE sent_messages INCLUDING ALL)', name);
            EXECUTE format('ALTER TABLE sent_messages ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, each, each + 1);
        END IF;
    END LOOP;
    FOR name IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'sent_messages'::regclass AND relname < 'sent_messages_' || to_char(oldest, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %I', name);
    END LOOP;
END $$;

-- migrate:down
DROP FUNCTION rotate_sent_messages(integer);
DROP FUNCTION first_id_of(timestamptz);
DROP TABLE chats, sent_messages, undelivered, shared_items, inbox;
