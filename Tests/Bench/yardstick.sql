DROP TABLE IF EXISTS yardstick;
CREATE TABLE yardstick (
    device_id bigint NOT NULL,
    message_id bigint NOT NULL,
    sender_id bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (device_id, message_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000000);
