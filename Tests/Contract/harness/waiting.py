"""Waiting for a condition, with a deadline."""

import time


def eventually(condition, within, what):
    """Calls `condition` until it answers something true, and returns that; fails naming `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        outcome = condition()
        if outcome:
            return outcome
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.02)


def always(condition, seconds, what):
    """Calls `condition` for that many seconds and fails naming `what` as soon as it does not hold."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"did not hold for {seconds} s: {what}"
        time.sleep(0.05)
