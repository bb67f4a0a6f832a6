"""Presence: who is online, when others were, who may know it, and how those who watch are told."""

import concurrent.futures
import datetime
import time

import pytest

from harness.people import Device, new_uuid
from harness.waiting import eventually

# How long after the last sign of life a user is offline, and how soon a change is told on one node.
PRESENT = 35
TOLD = 2


def last_seen(device, *users):
    """What getLastSeen tells the device of these users, by userId."""
    query = "&".join(f"userId={user.user_id if isinstance(user, Device) else user}" for user in users)
    return {entry["userId"]: entry for entry in device.get(f"/v1/getLastSeen?{query}").expect(200)["users"]}


def is_online(device, user):
    return last_seen(device, user)[user.user_id]["online"]


def subscribe(device, *users, **members):
    body = {"userIds": [user.user_id if isinstance(user, Device) else user for user in users]} | members
    device.post("/v1/subscribe", body).expect(204)


def presence_changes(page):
    return [(item["userId"], item["online"]) for item in page["ephemeral"] if item["type"] == "PRESENCE"]


def set_privacy(device, **members):
    device.post("/v1/updateUser", {"privacy": members}).expect(200)


def age(entry):
    """Seconds since the last sign of life that the entry tells of."""
    return datetime.datetime.now(datetime.timezone.utc).timestamp() - datetime.datetime.fromisoformat(entry["lastSeenAt"]).timestamp()


# Signs of life


def test_who_has_not_done_anything_yet_is_offline(alice, bob):
    entry = last_seen(alice, bob)[bob.user_id]
    assert entry["online"] is False
    assert age(entry) < 30, "registering was something"


@pytest.mark.parametrize("sign", ["heartbeat", "request", "poll"])
def test_any_request_makes_a_device_present(alice, bob, sign):
    if sign == "heartbeat":
        bob.post("/v1/heartbeat").expect(204)
    elif sign == "request":
        bob.get("/v1/getUser").expect(200)
    else:
        bob.inbox()
    entry = last_seen(alice, bob)[bob.user_id]
    assert entry["online"] is True
    assert age(entry) < 5


def test_a_heartbeat_takes_no_members(alice):
    alice.post("/v1/heartbeat", {}).expect(204)
    problem = alice.post("/v1/heartbeat", {"userId": alice.user_id}).problem(400, "unknown-parameter")
    assert problem["errors"][0]["pointer"] == "/userId"


def test_the_caller_is_online_to_themselves(alice):
    set_privacy(alice, lastSeen="nobody")
    assert is_online(alice, alice) is True


def test_a_user_goes_offline_35_s_after_the_last_sign_and_who_polls_stays(server, alice, bob, carol):
    """Alice watches. Bob has two devices and gives one sign with each; Carol holds a poll, which ends by itself only later."""
    second = bob.another()
    subscribe(alice, bob, carol)
    with carol.hold(wait=55) as poll:
        assert poll.is_held()
        bob.post("/v1/heartbeat").expect(204)
        eventually(lambda: is_online(alice, carol), TOLD, "Carol polls")
        time.sleep(3)
        second.post("/v1/heartbeat").expect(204)
        gone = time.monotonic() + PRESENT
        seen, told = [], []
        while time.monotonic() < gone + TOLD and (bob.user_id, False) not in told:
            told += presence_changes(alice.inbox("wait=2"))
            seen.append((time.monotonic(), is_online(alice, bob)))
        assert set(told) == {(bob.user_id, True), (carol.user_id, True), (bob.user_id, False)}
        assert len(told) == 3, "each change is told once"
        assert all(online for moment, online in seen if moment < gone - 1)
        assert seen[-1][1] is False and seen[-1][0] > gone - 1
        assert PRESENT - 1 < age(last_seen(alice, bob)[bob.user_id]) < PRESENT + 2 * TOLD
        assert is_online(alice, carol), "a held poll is a sign of life for as long as it is held"


# getLastSeen


def test_users_come_in_the_order_asked_for_and_once(alice, bob, carol):
    query = "&".join(f"userId={user}" for user in (carol.user_id, new_uuid(), bob.user_id, carol.user_id, alice.user_id))
    users = alice.get(f"/v1/getLastSeen?{query}").expect(200)["users"]
    assert [entry["userId"] for entry in users] == [carol.user_id, bob.user_id, alice.user_id]


def test_nobody_and_nonsense_are_invalid(alice, bob):
    missing = alice.get("/v1/getLastSeen").problem(400, "invalid-request")
    assert [fault["parameter"] for fault in missing["errors"]] == ["userId"]
    alice.get(f"/v1/getLastSeen?userId={bob.user_id}&userId=bob").problem(400, "invalid-request")
    unknown = alice.get(f"/v1/getLastSeen?userId={bob.user_id}&userid={bob.user_id}").problem(400, "unknown-parameter")
    assert unknown["didYouMean"] == "userId"


def test_other_parameters_still_come_once(alice):
    alice.get("/v1/fetchMessages?limit=1&limit=1").problem(400, "invalid-request")
    alice.get(f"/v1/getUser?userId={alice.user_id}&userId={alice.user_id}").problem(400, "invalid-request")


# Privacy


def test_hidden_and_unknown_users_are_left_out_alike(alice, bob, carol):
    for device in (bob, carol):
        device.post("/v1/heartbeat").expect(204)
    set_privacy(bob, lastSeen="nobody")
    assert set(last_seen(alice, bob, new_uuid(), carol)) == {carol.user_id}
    only_hidden = alice.get(f"/v1/getLastSeen?userId={bob.user_id}").expect(200)
    assert only_hidden == alice.get(f"/v1/getLastSeen?userId={new_uuid()}").expect(200) == {"users": []}
    set_privacy(bob, lastSeen="everyone")
    assert is_online(alice, bob)


def test_contacts_are_those_that_the_user_has_looked_up(alice, bob, carol):
    set_privacy(bob, lastSeen="contacts")
    alice.post("/v1/lookupUsers", {"mobileNumbers": [bob.number]}).expect(200)
    assert last_seen(alice, bob) == {}, "Bob does not know Alice"
    bob.post("/v1/lookupUsers", {"mobileNumbers": [alice.number]}).expect(200)
    assert set(last_seen(alice, bob)) == {bob.user_id}
    assert last_seen(carol, bob) == {}


def test_who_is_blocked_sees_nothing_and_the_blocker_sees_all(alice, bob):
    for device in (alice, bob):
        device.post("/v1/heartbeat").expect(204)
    assert is_online(alice, bob)
    bob.post("/v1/blockUser", {"userId": alice.user_id}).expect(204)
    assert last_seen(alice, bob) == {}
    assert is_online(bob, alice)
    bob.post("/v1/unblockUser", {"userId": alice.user_id}).expect(204)
    assert is_online(alice, bob)


# subscribe


def test_who_watches_is_told_while_polling(alice, bob):
    subscribe(alice, bob)
    with alice.hold() as poll:
        assert poll.is_held()
        bob.post("/v1/heartbeat").expect(204)
        page = poll.inbox(TOLD)
    (item,) = page["ephemeral"]
    assert (item["type"], item["userId"], item["online"], page["messages"]) == ("PRESENCE", bob.user_id, True, [])
    assert age(item) < 5


def test_only_the_device_that_subscribed_is_told(alice, bob):
    other = alice.another()
    subscribe(alice, bob)
    with alice.hold() as poll, other.hold() as silent:
        assert poll.is_held() and silent.is_held()
        bob.post("/v1/heartbeat").expect(204)
        assert presence_changes(poll.inbox(TOLD)) == [(bob.user_id, True)]
        assert silent.is_held()


def test_a_set_replaces_the_one_before_and_an_empty_one_ends_it(server, alice, bob, carol):
    dave = server.user("Dave")
    subscribe(alice, bob, carol)
    subscribe(alice, carol, dave, new_uuid())
    with alice.hold() as poll:
        assert poll.is_held()
        bob.post("/v1/heartbeat").expect(204)
        assert poll.is_held(1)
        carol.post("/v1/heartbeat").expect(204)
        assert presence_changes(poll.inbox(TOLD)) == [(carol.user_id, True)]
    subscribe(alice)
    with alice.hold() as poll:
        assert poll.is_held()
        dave.post("/v1/heartbeat").expect(204)
        assert poll.is_held(1)


def test_who_is_watched_and_does_not_show_it_is_not_told_of(server, alice, bob, carol):
    subscribe(alice, bob, carol, dave := server.user("Dave"))
    # In the database, since a request would be a sign of life before it is a change.
    server.database.query(f"UPDATE users SET last_seen_visibility = 'nobody' WHERE user_id = '{bob.user_id}'")
    server.database.query(f"INSERT INTO blocks (user_id, blocked_id) VALUES ('{dave.user_id}', '{alice.user_id}')")
    with alice.hold() as poll:
        for device in (bob, dave, carol):
            device.post("/v1/heartbeat").expect(204)
        told = presence_changes(poll.inbox(TOLD))
    told += presence_changes(alice.inbox("wait=2"))
    assert told == [(carol.user_id, True)]


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({}, "/userIds"),
        ({"userIds": "all"}, "/userIds"),
        ({"userIds": ["x"]}, "/userIds/0"),
        ({"userIds": [new_uuid() for _ in range(201)]}, "/userIds"),
        ({"userIds": [], "expiresIn": 59}, "/expiresIn"),
        ({"userIds": [], "expiresIn": 86_401}, "/expiresIn"),
    ],
)
def test_what_cannot_be_watched_is_invalid(alice, body, pointer):
    problem = alice.post("/v1/subscribe", body).problem(400, "invalid-request")
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]


def test_a_hundred_can_be_asked_about_at_once(alice, bob):
    query = "&".join(f"userId={user}" for user in [bob.user_id, *(new_uuid() for _ in range(99))])
    (seen,) = alice.get(f"/v1/getLastSeen?{query}").expect(200)["users"]
    assert seen["userId"] == bob.user_id
    alice.get(f"/v1/getLastSeen?{query}&userId=x").problem(400, "invalid-request")


def test_two_hundred_can_be_watched(alice, bob):
    subscribe(alice, *(new_uuid() for _ in range(199)), bob, expiresIn=86_400)
    with alice.hold() as poll:
        bob.post("/v1/heartbeat").expect(204)
        assert presence_changes(poll.inbox(TOLD)) == [(bob.user_id, True)]


def test_many_that_come_at_once_are_all_told(server, alice):
    people = [server.user() for _ in range(60)]
    subscribe(alice, *people)
    told = {}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        coming = [pool.submit(person.post, "/v1/heartbeat") for person in people]
        deadline = time.monotonic() + 10
        while len(told) < len(people) and time.monotonic() < deadline:
            for user, online in presence_changes(alice.inbox("wait=2")):
                assert user not in told
                told[user] = online
        assert all(future.result().status == 204 for future in coming)
    assert told == {person.user_id: True for person in people}


# Restarts


def test_last_seen_outlives_a_restart(own_server):
    server = own_server()
    alice, bob = server.user("Alice"), server.user("Bob")
    bob.post("/v1/heartbeat").expect(204)
    time.sleep(2)
    bob.post("/v1/heartbeat").expect(204)
    before = last_seen(alice, bob)[bob.user_id]
    server.terminate()
    server.start()
    after = last_seen(alice, bob)[bob.user_id]
    assert after["online"] is False, "Bob has not been back"
    assert abs(age(before) - age(after)) < 1, "what memory knew was written before the end"


def test_last_seen_is_known_after_a_crash_as_of_a_minute_ago(own_server):
    server = own_server()
    alice, bob = server.user("Alice"), server.user("Bob")
    registered = last_seen(alice, bob)[bob.user_id]["lastSeenAt"]
    time.sleep(1)
    bob.post("/v1/heartbeat").expect(204)
    sql = f"SELECT 1 FROM presence WHERE user_id = '{bob.user_id}'"
    eventually(lambda: server.database.query(sql), 5, "the first sign is written soon")
    server.kill()
    server.start()
    assert last_seen(alice, bob)[bob.user_id]["lastSeenAt"] > registered


# Several nodes


def test_presence_is_known_on_every_node_and_ends_with_a_node(own_server):
    shared = {"RESTANTE_SERVER_SECRET": "the same on every node of the fleet", "RESTANTE_WAKE_BUS": "database"}
    first = own_server(**shared)
    second = own_server(RESTANTE_DATABASE_URL=first.database.conninfo(), **shared)
    alice, bob, carol = first.user("Alice"), first.user("Bob"), first.user("Carol")
    bob_there, carol_there = (Device(second.client, device.number, device.session) for device in (bob, carol))
    # Alice watches by the first node; the others live on the second.
    subscribe(alice, bob, carol)
    with alice.hold() as poll:
        assert poll.is_held()
        bob_there.post("/v1/heartbeat").expect(204)
        assert presence_changes(poll.inbox(6)) == [(bob.user_id, True)]
    assert is_online(alice, bob)
    # Alice polls the second node, and is told there of what she watches by the first.
    alice_there = Device(second.client, alice.number, alice.session)
    with alice_there.hold() as poll:
        assert poll.is_held()
        carol_there.post("/v1/heartbeat").expect(204)
        assert presence_changes(poll.inbox(6)) == [(carol.user_id, True)]
    second.kill()
    died = time.monotonic()
    eventually(lambda: not is_online(alice, bob) and not is_online(alice, carol), 62, "a node's death leaves nobody online")
    assert time.monotonic() - died > 20, "what it said last holds for a while"
    second.start()
    second.terminate()
