"""A message is sent, waits, is fetched, acknowledged, and gone."""

import concurrent.futures
import time

import pytest

from harness.people import new_uuid


def canary():
    """A content that is found nowhere else."""
    return "canary" + new_uuid().replace("-", "")


def test_two_people_write_to_each_other(alice, bob):
    sent = alice.post("/v1/sendMessage", alice.message(bob, "Hello Bob")).expect(201)
    assert sent["status"] == "sent"
    with alice.hold() as poll:
        (message,) = bob.inbox()["messages"]
        assert (message["messageId"], message["sentAt"]) == (sent["messageId"], sent["sentAt"])
        assert (message["type"], message["direction"], message["content"]) == ("TEXT", "in", "Hello Bob")
        assert message["from"] == {"userId": alice.user_id, "deviceId": alice.device_id}
        assert poll.is_held()
        bob.send(alice, "Hello Alice")
        assert [item["content"] for item in poll.inbox(2)["messages"]] == ["Hello Alice"]
    assert bob.acknowledge([sent["messageId"]]) == 1
    assert bob.inbox()["messages"] == []


def test_an_empty_inbox_is_answered_with_200_at_once(alice):
    started = time.monotonic()
    inbox = alice.inbox()
    assert time.monotonic() - started < 2
    assert (inbox["messages"], inbox["ephemeral"], inbox["hasMore"]) == ([], [], False)
    assert "superseded" not in inbox


def test_fetching_deletes_nothing(alice, bob):
    message = alice.send(bob, "again and again")
    for _ in range(3):
        assert [item["messageId"] for item in bob.inbox()["messages"]] == [message]
    assert [item["messageId"] for item in bob.post("/v1/fetchMessages", {}).expect(200)["messages"]] == [message]


def test_a_message_is_in_the_database_until_it_is_acknowledged(server, alice, bob):
    content = canary()
    message = alice.send(bob, content)
    assert server.database.places_of(content) != []
    bob.inbox()
    assert server.database.places_of(content) != []
    bob.acknowledge([message])
    assert server.database.places_of(content) == []


def test_acknowledging_is_idempotent_and_exact(alice, bob):
    first, second, third = (alice.send(bob, str(number)) for number in range(3))
    assert bob.acknowledge([first, third]) == 2
    assert bob.acknowledge([first, third]) == 0
    assert bob.texts() == ["1"]
    assert bob.acknowledge([second, second, new_uuid()]) == 1
    assert bob.texts() == []


def test_an_id_named_twice_is_acknowledged_once(alice, bob):
    message = alice.send(bob)
    assert bob.acknowledge([message, message]) == 1


def test_the_newest_alone_may_be_acknowledged(alice, bob):
    alice.send(bob, "older")
    newer = alice.send(bob, "newer")
    assert bob.acknowledge([newer]) == 1
    assert bob.texts() == ["older"]


def test_nobody_acknowledges_for_another(alice, bob, carol):
    message = alice.send(bob, "for Bob")
    assert carol.acknowledge([message]) == 0
    assert alice.acknowledge([message]) == 0
    assert carol.post("/v1/fetchMessages", {"acknowledge": [message]}).expect(200)["messages"] == []
    assert bob.texts() == ["for Bob"]
    assert alice.items("RECEIPT") == []


def test_acknowledge_and_fetch_is_one_round_trip(alice, bob):
    first, second = alice.send(bob, "first"), alice.send(bob, "second")
    inbox = bob.post("/v1/fetchMessages", {"acknowledge": [first]}).expect(200)
    assert [item["messageId"] for item in inbox["messages"]] == [second]
    assert bob.post("/v1/fetchMessages", {"acknowledge": [second], "wait": 0, "limit": 1}).expect(200)["messages"] == []


def test_acknowledge_and_fetch_waits_as_well(alice, bob):
    first = alice.send(bob, "first")
    with bob.hold(acknowledge=[first]) as poll:
        assert poll.is_held()
        alice.send(bob, "second")
        assert [item["content"] for item in poll.inbox(2)["messages"]] == ["second"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        " ",
        "a\nb\r\nc\td",
        "naïve 東京 🇩🇪👩‍👩‍👧‍👦",
        "e\u0301 and \u00e9",
        "\u202eright to left",
        "\ufeffmark",
        "\x01\x1f\x7f",
        '"\\/',
        "\U0010ffff",
        "null",
    ],
)
def test_a_content_arrives_as_it_was_sent(alice, bob, content):
    alice.send(bob, content)
    assert bob.texts() == [content]


def test_a_message_says_what_was_sent_with_it(alice, bob):
    original = alice.send(bob, "original")
    body = bob.message(alice, "reply", replyTo=original, forwarded=True)
    bob.post("/v1/sendMessage", body).expect(201)
    (message,) = alice.items("TEXT")
    assert (message["replyTo"], message["forwarded"], message["clientMessageId"]) == (original, True, body["clientMessageId"])
    assert "to" not in message and "groupId" not in message


def test_nothing_is_sent_to_an_unknown_recipient(alice):
    alice.post("/v1/sendMessage", alice.message(new_uuid())).problem(404, "unknown-recipient")


def test_a_refused_send_may_be_repeated_to_the_right_recipient(alice, bob):
    body = alice.message(new_uuid(), "second attempt")
    alice.post("/v1/sendMessage", body).problem(404, "unknown-recipient")
    alice.post("/v1/sendMessage", body | {"to": bob.user_id}).expect(201)
    assert bob.texts() == ["second attempt"]


# Order


def test_the_inbox_is_in_the_order_of_the_sends(alice, bob):
    ids = [alice.send(bob, str(number)) for number in range(50)]
    messages = bob.items("TEXT")
    assert [item["messageId"] for item in messages] == ids == sorted(ids)
    assert [item["content"] for item in messages] == [str(number) for number in range(50)]


def test_many_senders_at_once_lose_nothing_and_keep_their_order(server, bob):
    senders = [server.user() for _ in range(8)]

    def write(sender):
        return [sender.send(bob, f"{sender.user_id} {number:02d}") for number in range(25)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = [message for messages in pool.map(write, senders) for message in messages]
    items = bob.items("TEXT")
    assert [item["messageId"] for item in items] == sorted(sent)
    for sender in senders:
        contents = [item["content"] for item in items if item["from"]["userId"] == sender.user_id]
        assert contents == [f"{sender.user_id} {number:02d}" for number in range(25)]
