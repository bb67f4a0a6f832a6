"""Held polls: waiting, waking, superseding, hanging up, and what is served only in passing."""

import concurrent.futures
import datetime
import time

import pytest

from harness.people import new_uuid
from harness.traffic import Traffic
from harness.waiting import always, eventually


def contents(inbox):
    return [item.get("content") for item in inbox["messages"]]


def kinds(inbox):
    return [item["type"] for item in inbox["ephemeral"]]


# Waiting


def test_a_poll_waits_as_long_as_it_asks_for(alice):
    with alice.hold(wait=2) as poll:
        assert poll.is_held(1.5)
        inbox = poll.inbox(2.5)
    assert (inbox["messages"], inbox["hasMore"]) == ([], False)
    assert "superseded" not in inbox


def test_a_held_poll_wakes_with_the_message(alice, bob):
    with bob.hold() as poll:
        assert poll.is_held()
        message = alice.send(bob, "wake up")
        inbox = poll.inbox(1)
    assert [item["messageId"] for item in inbox["messages"]] == [message]
    assert contents(bob.inbox()) == ["wake up"]


def test_a_poll_does_not_wait_where_something_is_there(alice, bob):
    alice.send(bob, "already here")
    with bob.hold() as poll:
        assert contents(poll.inbox(1)) == ["already here"]


def test_a_message_that_comes_while_a_poll_begins_is_not_missed(alice, bob):
    for number in range(60):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sending = pool.submit(alice.send, bob, str(number))
            with bob.hold() as poll:
                inbox = poll.inbox(2)
            message = sending.result()
        assert [item["messageId"] for item in inbox["messages"]] == [message]
        bob.acknowledge([message])


def test_two_connections_wake_each_other_in_turns(alice, bob):
    for number in range(20):
        with bob.hold() as poll:
            alice.send(bob, str(number))
            (message,) = poll.inbox(2)["messages"]
        with alice.hold() as poll:
            bob.acknowledge([message["messageId"]])
            (receipt,) = poll.inbox(2)["messages"]
        assert receipt["messageIds"] == [message["messageId"]]
        alice.acknowledge([receipt["messageId"]])


@pytest.mark.timeout(120)
def test_what_was_acknowledged_never_comes_back_while_messages_flow(server):
    with Traffic(server, senders=16, receivers=1) as traffic:
        traffic.flows(2000, within=90)
        ledger = traffic.finish()
    assert ledger.faults() == {}


# Superseding


def test_a_second_poll_ends_the_first(alice, bob):
    with bob.hold() as first:
        assert first.is_held()
        with bob.hold() as second:
            inbox = first.inbox(1)
            assert inbox["superseded"] is True
            assert (inbox["messages"], inbox["hasMore"]) == ([], False)
            assert second.is_held()
            alice.send(bob, "for the second")
            assert contents(second.inbox(1)) == ["for the second"]


def test_a_poll_without_wait_supersedes_nothing(alice, bob):
    with bob.hold() as poll:
        assert poll.is_held()
        assert "superseded" not in bob.inbox("wait=0")
        bob.post("/v1/fetchMessages", {"wait": 0}).expect(200)
        assert poll.is_held()
        alice.send(bob, "still held")
        assert contents(poll.inbox(1)) == ["still held"]


def test_polls_of_two_devices_do_not_supersede_each_other(alice, bob):
    other = bob.another()
    with bob.hold() as one, other.hold() as two:
        assert one.is_held() and two.is_held()
        alice.send(bob, "for both")
        assert contents(one.inbox(1)) == contents(two.inbox(1)) == ["for both"]


def test_of_twenty_polls_at_once_one_stays(alice, bob):
    polls = [bob.hold() for _ in range(20)]
    try:
        eventually(lambda: sum(poll.is_held(0) for poll in polls) == 1, 3, "all but one poll are answered")
        for poll in polls:
            if not poll.is_held(0):
                assert poll.inbox(1)["superseded"] is True
    finally:
        for poll in polls:
            poll.hang_up()
    alice.send(bob, "after them")
    assert contents(bob.inbox()) == ["after them"]


# Hanging up


def test_a_client_that_hangs_up_frees_its_connection_within_two_seconds(own_server):
    server = own_server()
    users = [server.user() for _ in range(50)]
    before = server.connections()
    polls = [user.hold() for user in users]
    eventually(lambda: server.connections() == before + 50, 5, "the polls are connected")
    assert all(poll.is_held(0.02) for poll in polls)
    for poll in polls:
        poll.hang_up()
    eventually(lambda: server.connections() == before, 2, "the connections of those who hung up are closed")


def test_a_message_for_a_client_that_hung_up_waits(alice, bob):
    with bob.hold() as poll:
        assert poll.is_held()
    message = alice.send(bob, "later")
    assert [item["messageId"] for item in bob.inbox()["messages"]] == [message]


# Ephemeral items


def test_typing_reaches_a_held_poll(alice, bob):
    with bob.hold() as poll:
        assert poll.is_held()
        assert alice.typing(bob) == {"status": "accepted"}
        inbox = poll.inbox(1)
    assert kinds(inbox) == ["TYPING"]
    assert inbox["ephemeral"][0]["from"]["userId"] == alice.user_id
    assert "content" not in inbox["ephemeral"][0]
    assert inbox["messages"] == []


def test_typing_reaches_a_device_that_was_seen_just_now_and_only_once(alice, bob):
    bob.inbox()
    alice.typing(bob)
    alice.typing(bob, "UNTYPED")
    seen = kinds(bob.inbox())
    assert seen[-1] == "UNTYPED"
    assert bob.inbox()["ephemeral"] == []


def test_typing_is_kept_ten_seconds_at_most(alice, bob):
    bob.inbox()
    alice.typing(bob)
    typed = time.monotonic()
    always(lambda: alice.inbox()["messages"] == [], 10.5 - (time.monotonic() - typed), "nobody answers")
    assert bob.inbox()["ephemeral"] == []


def test_typing_leaves_nothing_in_the_inbox(alice, bob):
    bob.inbox()
    alice.typing(bob)
    inbox = bob.inbox()
    assert kinds(inbox) == ["TYPING"]
    assert inbox["messages"] == bob.items() == []


def test_typing_needs_somebody_who_exists(alice):
    alice.post("/v1/sendMessage", {"to": new_uuid(), "type": "TYPING"}).problem(404, "unknown-recipient")


def test_typing_in_a_group_reaches_the_other_members(alice, bob, carol):
    group = alice.create_group(bob, carol)
    for device in (bob, carol):
        device.empty_inbox()
    with bob.hold() as one, carol.hold() as two:
        assert one.is_held() and two.is_held()
        alice.post("/v1/sendGroupMessage", {"groupId": group["groupId"], "type": "TYPING"}).expect(202)
        for inbox in (one.inbox(1), two.inbox(1)):
            assert kinds(inbox) == ["TYPING"]
            assert inbox["ephemeral"][0]["groupId"] == group["groupId"]


# Filters and pages


def test_pages_follow_each_other_by_after(alice, bob):
    ids = [alice.send(bob, str(number)) for number in range(5)]
    first = bob.inbox("limit=2")
    assert ([item["messageId"] for item in first["messages"]], first["hasMore"]) == (ids[:2], True)
    second = bob.inbox(f"limit=2&after={ids[1]}")
    assert ([item["messageId"] for item in second["messages"]], second["hasMore"]) == (ids[2:4], True)
    last = bob.inbox(f"limit=2&after={ids[3]}")
    assert ([item["messageId"] for item in last["messages"]], last["hasMore"]) == (ids[4:], False)
    assert bob.inbox(f"after={ids[4]}")["messages"] == []


def test_a_full_page_that_is_the_last_has_no_more(alice, bob):
    for number in range(3):
        alice.send(bob, str(number))
    assert bob.inbox("limit=3")["hasMore"] is False
    assert bob.post("/v1/fetchMessages", {"limit": 2}).expect(200)["hasMore"] is True


def test_a_page_has_a_hundred_items_unless_asked_otherwise(alice, bob):
    for number in range(101):
        alice.send(bob, str(number))
    page = bob.inbox()
    assert (len(page["messages"]), page["hasMore"]) == (100, True)
    assert len(bob.inbox("limit=500")["messages"]) == 101


def test_a_poll_after_the_last_id_waits_for_the_next(alice, bob):
    seen = alice.send(bob, "seen")
    path = f"/v1/fetchMessages?wait=20&after={seen}"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bob.get, path)
        always(lambda: not waiting.done(), 0.5, "the poll is held although an older message is there")
        alice.send(bob, "next")
        assert contents(waiting.result(3).expect(200)) == ["next"]


def test_from_timestamp_leaves_out_what_is_older(alice, bob):
    old = alice.post("/v1/sendMessage", alice.message(bob, "old")).expect(201)["sentAt"]

    def send_later():
        sent = alice.post("/v1/sendMessage", alice.message(bob, "later")).expect(201)
        return sent if sent["sentAt"] > old else None

    sent = eventually(send_later, 5, "the clock moves on")
    items = bob.inbox(f"fromTimestamp={sent['sentAt']}")["messages"]
    assert items[0]["messageId"] == sent["messageId"]
    assert all(item["sentAt"] >= sent["sentAt"] for item in items)
    future = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    assert bob.inbox(f"fromTimestamp={future:%Y-%m-%dT%H:%M:%S.000Z}")["messages"] == []


def test_a_channel_is_one_conversation(alice, bob, carol):
    second = bob.another()
    group = alice.create_group(bob)["groupId"]
    alice.send(bob, "from Alice")
    carol.send(bob, "from Carol")
    alice.send_group(group, "to the group")
    second.send(alice, "to Alice")
    assert contents(bob.inbox(f"channelId={alice.user_id}")) == ["from Alice", "to Alice"]
    assert contents(bob.inbox(f"channelId={carol.user_id}")) == ["from Carol"]
    of_group = bob.inbox(f"channelId={group}")["messages"]
    assert all(item["groupId"] == group for item in of_group)
    assert "to the group" in [item.get("content") for item in of_group]
    assert bob.inbox(f"channelId={new_uuid()}")["messages"] == []


def test_the_time_of_the_server_comes_with_every_inbox(alice):
    told = datetime.datetime.fromisoformat(alice.inbox()["serverTime"])
    assert abs(datetime.datetime.now(datetime.UTC) - told) < datetime.timedelta(seconds=5)
