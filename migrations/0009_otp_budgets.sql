-- What bounds the one-time passwords that are sent, counted here so that it holds on all nodes together and over restarts.

-- migrate:up
ALTER TABLE one_time_passwords ADD COLUMN sends integer NOT NULL DEFAULT 1;  -- in a row, none of them used

-- The wait after so many sends in a row, the first wait being given: 1, 2, 5, then 10 times as long, at most an hour.
CREATE FUNCTION otp_wait(first_wait integer, sends integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT least(3600, first_wait * (ARRAY[1, 2, 5, 10])[least(greatest(sends, 1), 4)])
$$;

-- One row for each bucket that is not full: the tokens that it held at a time. A number is a keyed hash.
CREATE TABLE otp_buckets (
    name       text NOT NULL,
    key        bytea NOT NULL,
    tokens     double precision NOT NULL,
    filled_at  timestamptz NOT NULL,
    PRIMARY KEY (name, key)
);
CREATE INDEX otp_buckets_by_time ON otp_buckets (filled_at);

-- What was sent, and what of it was used, in each hour: by the first six digits of the numbers, and ('') in all.
CREATE TABLE otp_counts (
    prefix    text NOT NULL,
    hour      timestamptz NOT NULL,
    sent      bigint NOT NULL DEFAULT 0,
    verified  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (prefix, hour)
);
CREATE INDEX otp_counts_by_hour ON otp_counts (hour);

-- migrate:down
DROP TABLE otp_counts, otp_buckets;
DROP FUNCTION otp_wait(integer, integer);
ALTER TABLE one_time_passwords DROP COLUMN sends;
