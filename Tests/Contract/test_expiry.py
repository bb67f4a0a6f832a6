"""Messages that nobody fetched in time. Their time is over because the test says so to the database; the sweep is the server's own."""

import concurrent.futures

from harness.people import new_uuid
from harness.waiting import eventually

# The server sweeps every 20 s, and promises a minute.
WITHIN = 60


def send(sender, recipient, seconds=60):
    sent = {"to": recipient.user_id, "type": "TEXT", "content": "Hello", "clientMessageId": new_uuid(), "expiresIn": seconds}
    return sender.post("/v1/sendMessage", sent).expect(201)["messageId"]


def let_expire(server, *message_ids):
    ids = ",".join(f"'{message_id}'" for message_id in message_ids)
    server.database.query(f"UPDATE inbox SET expires_at = now() - interval '1 s' WHERE message_id IN ({ids})")


def test_what_has_expired_is_told_to_both_and_leaves_no_copy(server, alice, bob):
    second = bob.another()
    canary = new_uuid()
    sent = {"to": bob.user_id, "type": "TEXT", "content": canary, "clientMessageId": new_uuid(), "expiresIn": 60}
    message = alice.post("/v1/sendMessage", sent).expect(201)
    later = send(alice, bob)
    kept = alice.send(bob)
    let_expire(server, message["messageId"], later)
    assert [item["messageId"] for item in bob.items()] == [kept], "at once, whether it was swept or not"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = [pool.submit(eventually, lambda device=device: device.items("GAP"), WITHIN, "the gap") for device in (bob, second)]
        (gap,), (other,) = (wait.result() for wait in waits)
    assert gap["dropped"] == other["dropped"] == 2
    assert gap["since"] == message["sentAt"]
    (receipt,) = alice.items("RECEIPT")
    assert (receipt["status"], receipt["messageIds"], receipt["from"]["userId"]) == (
        "expired",
        sorted([message["messageId"], later]),
        bob.user_id,
    )
    assert server.database.places_of(canary) == []


def test_a_held_poll_is_woken_by_its_gap(server, alice, bob):
    message = send(alice, bob)
    let_expire(server, message)
    with bob.hold(wait=55) as poll:
        assert poll.is_held()
        (gap,) = poll.inbox(WITHIN)["messages"]
    assert (gap["type"], gap["dropped"]) == ("GAP", 1)
    assert bob.acknowledge([gap["messageId"]]) == 1
    assert alice.items("RECEIPT")[0]["status"] == "expired", "a gap causes no receipt"


def test_an_acknowledgement_in_time_wins(server, alice, bob):
    second = bob.another()
    message = send(alice, bob)
    bob.acknowledge([message])
    canary = send(alice, bob)
    let_expire(server, message, canary)
    (gap,) = eventually(lambda: second.items("GAP"), WITHIN, "the gap")
    assert gap["dropped"] == 2, "this device has missed both"
    (gap,) = eventually(lambda: bob.items("GAP"), WITHIN, "the gap")
    assert gap["dropped"] == 1
    assert [(item["status"], item["messageIds"]) for item in alice.items("RECEIPT")] == [("delivered", [message]), ("expired", [canary])]
