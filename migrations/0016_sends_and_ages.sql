-- Indexes in the order in which they are asked for.

-- migrate:up
-- A send is found by whose it is, on each day: with the day first, a search over days would read all that was sent on them.
ALTER TABLE sent_messages DROP CONSTRAINT sent_messages_pkey;
ALTER TABLE sent_messages ADD PRIMARY KEY (sender_id, client_message_id, day);

-- What is too old stands at the left end. A BRIN range keeps the oldest id that it ever held, and space is used again: after a month all ranges matched.
DROP INDEX inbox_by_age, undelivered_by_age;
CREATE INDEX inbox_by_age ON inbox (message_id);
CREATE INDEX undelivered_by_age ON undelivered (message_id);

-- As before, but that it waits for the lock of a drop for a moment only: all sends wait behind it.
CREATE OR REPLACE FUNCTION rotate_sent_messages(window_hours integer) RETURNS void LANGUAGE plpgsql AS $$
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
    PERFORM set_config('lock_timeout', '50ms', true);
    FOR name IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'sent_messages'::regclass AND relname < 'sent_messages_' || to_char(oldest, 'YYYYMMDD')
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE %I', name);
        EXCEPTION WHEN lock_not_available THEN
            -- Somebody reads the table for long, a dump perhaps. The next call tries again.
            EXIT;
        END;
    END LOOP;
END $$;

-- migrate:down
CREATE OR REPLACE FUNCTION rotate_sent_messages(window_hours integer) RETURNS void LANGUAGE plpgsql AS $$
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
DROP INDEX inbox_by_age, undelivered_by_age;
CREATE INDEX inbox_by_age ON inbox USING brin (message_id) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX undelivered_by_age ON undelivered USING brin (message_id) WITH (pages_per_range = 32, autosummarize = on);
ALTER TABLE sent_messages DROP CONSTRAINT sent_messages_pkey;
ALTER TABLE sent_messages ADD PRIMARY KEY (day, sender_id, client_message_id);
