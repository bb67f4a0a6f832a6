-- Calls between two users: one row from the first ring until an hour after the end.

-- migrate:up
CREATE TABLE calls (
    call_id           uuid PRIMARY KEY,
    kind              text NOT NULL CHECK (kind IN ('voice', 'video')),
    state             text NOT NULL CHECK (state IN ('ringing', 'answered', 'over')),
    caller_id         uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    caller_device_id  uuid NOT NULL REFERENCES devices ON DELETE CASCADE,
    callee_id         uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    callee_device_id  uuid REFERENCES devices ON DELETE CASCADE,  -- null until one has answered
    is_silent         boolean NOT NULL,                           -- the callee has blocked the caller: it rings nowhere
    rung_device_ids   uuid[] NOT NULL DEFAULT '{}',
    ring_item_ids     uuid[] NOT NULL DEFAULT '{}',               -- the ring, then what the caller signalled while it rang
    due_at            timestamptz NOT NULL,                       -- ringing: its end; answered: when to look after the parties again
    answered_at       timestamptz,
    ended_at          timestamptz
);
CREATE INDEX calls_due ON calls (due_at) WHERE state <> 'over';
CREATE INDEX calls_of_caller ON calls (caller_id);
CREATE INDEX calls_of_callee ON calls (callee_id);
CREATE INDEX calls_of_caller_device ON calls (caller_device_id);
CREATE INDEX calls_of_callee_device ON calls (callee_device_id);
CREATE INDEX calls_over ON calls (ended_at) WHERE state = 'over';

-- migrate:down
DROP TABLE calls;
