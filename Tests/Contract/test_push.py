"""Push: who does not poll is woken, once, and told nothing; through services that answer well, badly, late or not at all."""

import concurrent.futures
import json
import time

import pytest

from harness.people import Device, new_uuid
from harness.push_services import TOPIC, PushServices, apns_error, fcm_error
from harness.server import Server
from harness.waiting import always, eventually

# Longer than a message waits before its device is woken, in these tests.
QUIET = 3


@pytest.fixture(scope="module")
def services():
    services = PushServices()
    yield services
    services.stop()
    assert services.faults == []


@pytest.fixture(scope="module")
def woken(checker, services):
    """A server that most tests here share."""
    server = Server(checker, services.settings())
    try:
        yield server.start()
        server.terminate()
    finally:
        server.discard()


def register(device, *tokens, kind="FCM"):
    """Registers these tokens for a device, or a new one; returns the first."""
    tokens = tokens or (f"{kind.lower()}-{new_uuid()}",)
    device.post("/v1/updateUser", {"notificationTokens": [{"token": token, "type": kind} for token in tokens]}).expect(200)
    return tokens[0]


def tokens_of(server, device):
    return {row[0] for row in server.database.query(f"SELECT token FROM push_tokens WHERE device_id = '{device.device_id}'")}


def stays_at(services, token, count, seconds=QUIET):
    always(lambda: len(services.pushes(token)) == count, seconds, f"{count} pushes to {token}")


def test_a_device_is_woken_through_firebase(woken, services):
    alice, bob = woken.user("Alice Canary"), woken.user("Bob Canary")
    token = register(bob)
    sent = alice.send(bob, "canary text")
    [push] = services.wait_for(token)
    assert push.http == "2"
    assert json.loads(push.body) == {
        "message": {
            "token": token,
            "data": {"restante": "wake"},
            "android": {"priority": "HIGH", "collapse_key": "wake", "ttl": "2419200s"},
        }
    }
    everything = f"{push.headers} {push.body.decode()}"
    for secret in ["anary", alice.number, bob.number, alice.user_id, bob.user_id, alice.device_id, bob.device_id, sent]:
        assert secret not in everything


def test_a_device_is_woken_through_apple(woken, services):
    alice, bob = woken.user("Alice Canary"), woken.user("Bob Canary")
    token = register(bob, kind="APN")
    sent = alice.send(bob, "canary text")
    [push] = services.wait_for(token)
    assert push.http == "2"
    assert json.loads(push.body) == {"aps": {"alert": {"loc-key": "RESTANTE_WAKE"}, "sound": "default", "mutable-content": 1}}
    assert (push.headers["apns-topic"], push.headers["apns-push-type"], push.headers["apns-priority"]) == (TOPIC, "alert", "10")
    assert push.headers["apns-collapse-id"] == "wake"
    assert 0 < int(push.headers["apns-expiration"]) - time.time() <= 28 * 86400
    everything = f"{push.headers} {push.body.decode()}"
    for secret in ["anary", alice.number, bob.number, alice.user_id, bob.user_id, alice.device_id, bob.device_id, sent]:
        assert secret not in everything


def test_many_messages_are_one_wake_up_until_the_device_has_come(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    for number in range(5):
        alice.send(bob, f"{number}")
    services.wait_for(token)
    alice.send(bob, "later")
    stays_at(services, token, 1)
    bob.empty_inbox()
    alice.send(bob, "news")
    services.wait_for(token, 2)
    stays_at(services, token, 2)


def test_who_was_woken_long_ago_is_woken_again_for_what_is_new(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    alice.send(bob)
    services.wait_for(token)
    eventually(lambda: retries_of(woken, bob) == [""], 5, "the wake-up is done")
    woken.database.query(f"UPDATE wake_ups SET woken_at = woken_at - interval '11 minutes' WHERE device_id = '{bob.device_id}'")
    stays_at(services, token, 1)
    alice.send(bob)
    services.wait_for(token, 2)


def retries_of(server, device):
    return [row[0] for row in server.database.query(f"SELECT retry_at FROM wake_ups WHERE device_id = '{device.device_id}'")]


def test_a_device_that_polls_is_not_woken(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    with bob.hold(wait=30) as poll:
        assert poll.is_held()
        sent = alice.send(bob)
        assert [item["messageId"] for item in poll.inbox(5)["messages"]] == [sent]
    # It has acknowledged nothing, but it polls for what comes after.
    with bob.hold(wait=f"30&after={sent}") as poll:
        assert poll.is_held()
        stays_at(services, token, 0)


def test_a_message_that_is_acknowledged_in_time_wakes_nobody(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    assert bob.acknowledge([alice.send(bob)]) == 1
    stays_at(services, token, 0)


def test_a_later_message_waits_its_own_time(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    assert bob.acknowledge([alice.send(bob, "first")]) == 1
    alice.send(bob, "second")
    services.wait_for(token)
    stays_at(services, token, 1)


def test_receipts_and_copies_of_ones_own_messages_wake_nobody(woken, services):
    alice, bob = woken.user(), woken.user()
    first, second = register(alice), register(other := alice.another())
    assert bob.acknowledge([alice.send(bob)]) == 1
    assert other.items(), "the copy is there"
    stays_at(services, first, 0)
    assert services.pushes(second) == []


def test_every_member_of_a_group_and_every_token_is_woken(woken, services):
    alice, bob, carol = woken.user(), woken.user(), woken.user()
    group = alice.create_group(bob, carol)["groupId"]
    phone, tablet = register(bob, f"a-{new_uuid()}", f"b-{new_uuid()}"), register(bob.another(), kind="APN")
    theirs, own = register(carol), register(alice)
    alice.send_group(group)
    for token in [phone, tablet, theirs]:
        services.wait_for(token)
    for token in tokens_of(woken, bob):
        services.wait_for(token)
    assert services.pushes(own) == []


VOID = [
    ("FCM", fcm_error(404, "NOT_FOUND", "UNREGISTERED")),
    ("FCM", fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH")),
    ("FCM", fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", field="message.token")),
    ("APN", apns_error(400, "BadDeviceToken")),
    ("APN", apns_error(400, "DeviceTokenNotForTopic")),
    ("APN", apns_error(410, "Unregistered", timestamp=4102444800000)),
]


@pytest.mark.parametrize(("kind", "answer"), VOID, ids=[str(answer[1])[:60] for _, answer in VOID])
def test_a_token_that_its_service_calls_void_is_removed(woken, services, kind, answer):
    alice, bob = woken.user(), woken.user()
    token = register(bob, kind=kind)
    services.answer(token, answer)
    alice.send(bob)
    services.wait_for(token)
    eventually(lambda: tokens_of(woken, bob) == set(), 5, "the token is removed")
    assert services.pushes(token)[1:] == []


NOT_VOID = [
    ("FCM", fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", field="message.android.ttl")),
    ("APN", apns_error(400, "BadTopic")),
    ("APN", apns_error(410, "Unregistered", timestamp=1000000000000)),
]


@pytest.mark.parametrize(("kind", "answer"), NOT_VOID, ids=[str(answer[1])[:60] for _, answer in NOT_VOID])
def test_a_token_stays_where_it_is_not_void_or_was_registered_later(woken, services, kind, answer):
    alice, bob = woken.user(), woken.user()
    token = register(bob, kind=kind)
    services.answer(token, answer)
    alice.send(bob)
    services.wait_for(token)
    eventually(lambda: retries_of(woken, bob) == [""], 5, "the wake-up is settled")
    assert tokens_of(woken, bob) == {token}


BUSY = [
    ("FCM", fcm_error(503, "UNAVAILABLE", "UNAVAILABLE", headers={"retry-after": "2"})),
    ("FCM", fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", headers={"retry-after": "2"})),
    ("APN", apns_error(429, "TooManyRequests", headers={"retry-after": "2"})),
    ("APN", apns_error(503, "ServiceUnavailable", headers={"retry-after": "2"})),
]


@pytest.mark.parametrize(("kind", "answer"), BUSY, ids=[str(answer[1])[:60] for _, answer in BUSY])
def test_a_busy_service_is_left_alone_for_as_long_as_it_says(woken, services, kind, answer):
    alice, bob = woken.user(), woken.user()
    token = register(bob, kind=kind)
    services.answer(token, answer)
    alice.send(bob)
    first, second = services.wait_for(token, 2)
    assert 2 <= second.at - first.at < 6
    stays_at(services, token, 2)


@pytest.fixture
def own_services():
    """Push services for one test alone, to be told to fail."""
    services = PushServices()
    yield services
    services.stop()
    assert services.faults == []


def test_an_access_token_is_used_until_shortly_before_its_end_and_renewed_when_it_is_refused(own_services, own_server):
    own_services.access_seconds = 2
    server = own_server(**own_services.settings())
    alice, bob = server.user(), server.user()
    token = register(bob)
    used = []
    for count in range(1, 4):
        alice.send(bob)
        used.append(own_services.wait_for(token, count)[-1].headers["authorization"])
        bob.empty_inbox()
    assert len(set(used)) >= 2, "several seconds have passed"
    assert len(own_services.access_tokens) < 5
    own_services.access_seconds = 3600
    own_services.access_tokens.clear()
    alice.send(bob)
    assert own_services.wait_for(token, 4)[-1].headers["authorization"] == f"Bearer {own_services.access_tokens[-1]}"
    assert len(own_services.access_tokens) == 1


def test_a_provider_token_is_used_again(own_services, own_server):
    server = own_server(**own_services.settings())
    alice, bob = server.user(), server.user()
    token = register(bob, kind="APN")
    for count in range(1, 3):
        alice.send(bob)
        own_services.wait_for(token, count)
        bob.empty_inbox()
    assert len(own_services.provider_tokens) == 1


def test_a_service_that_is_down_for_a_while_gets_the_push_later(own_services, own_server):
    server = own_server(**own_services.settings())
    alice, bob = server.user(), server.user()
    token = register(bob, kind="APN")
    own_services.stop()
    alice.send(bob)
    eventually(lambda: "push failed" in server.log(), 15, "a push fails")
    own_services.start()
    own_services.wait_for(token, within=40)


def test_a_service_that_fails_is_left_alone_then_probed_then_used(own_services, own_server):
    server = own_server(**own_services.settings())
    alice, bob = server.user(), server.user()
    phones = [f"phone-{number}-{new_uuid()}" for number in range(10)]
    tablets = [f"tablet-{number}-{new_uuid()}" for number in range(2)]
    register(bob, *phones)
    register(bob.another(), *tablets)
    own_services.everybody = fcm_error(500, "INTERNAL", "INTERNAL")
    alice.send(bob)
    eventually(lambda: len(own_services.pushes()) >= 10, 15, "ten pushes fail")
    failed = own_services.pushes()[9].at
    # Each wants to be tried again after a second, and none is.
    always(lambda: len(own_services.pushes()) <= 12, 6, "no more pushes")
    own_services.everybody = None
    for token in phones + tablets:
        eventually(lambda wanted=token: own_services.pushes(wanted)[-1].at > failed + 9, 30, f"another push to {token}")
    assert [push.token for push in own_services.pushes() if failed + 3 < push.at < failed + 9] == []


def test_a_crash_between_commit_and_push_loses_no_wake_up(own_server, services):
    server = own_server(**services.settings(RESTANTE_PUSH_DELAY_SECONDS="3"))
    alice, bob = server.user(), server.user()
    token = register(bob)
    alice.send(bob)
    server.kill()
    assert services.pushes(token) == []
    server.start()
    services.wait_for(token, within=20)
    stays_at(services, token, 1)


def test_a_wake_up_that_its_node_did_not_get_through_is_sent_later(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    alice.send(bob)
    services.wait_for(token)
    eventually(lambda: retries_of(woken, bob) == [""], 5, "the wake-up is done")
    # As a node leaves it that crashed after its claim, two minutes ago; and the walk through all devices is due.
    woken.database.query(f"UPDATE wake_ups SET retry_at = now() WHERE device_id = '{bob.device_id}'")
    woken.database.query("UPDATE push_round SET next_at = now()")
    services.wait_for(token, 2)
    eventually(lambda: retries_of(woken, bob) == [""], 5, "the wake-up is done")


@pytest.fixture
def nodes(own_server, services):
    """A node with the embedded database, and another that works on the same one."""
    shared = services.settings(RESTANTE_SERVER_SECRET="the same on every node of the fleet", RESTANTE_WAKE_BUS="database")
    first = own_server(**shared)
    second = own_server(RESTANTE_DATABASE_URL=first.database.conninfo(), **shared)
    yield first, second
    # The one whose database goes with it is the last to go.
    second.terminate()


def elsewhere(device, node):
    """The same device, talking to another node."""
    return Device(node.client, device.number, device.session)


def test_two_nodes_send_one_push(nodes, services):
    first, second = nodes
    senders = [first.user(), elsewhere(first.user(), second)]
    people = [first.user() for _ in range(5)]
    tokens = [register(person) for person in people]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for person in people:
            list(pool.map(lambda sender, to=person: sender.send(to), senders))
    for token in tokens:
        services.wait_for(token)
    always(lambda: [len(services.pushes(token)) for token in tokens] == [1] * 5, QUIET, "one push for each")


def test_who_polls_another_node_is_not_woken(nodes, services):
    first, second = nodes
    alice, bob = first.user(), first.user()
    token = register(bob)
    there = elsewhere(bob, second)
    with there.hold(wait=30) as poll:
        assert poll.is_held()
        sent = alice.send(bob)
        assert [item["messageId"] for item in poll.inbox(5)["messages"]] == [sent]
    with there.hold(wait=30, acknowledge=[sent]) as poll:
        assert poll.is_held()
        stays_at(services, token, 0)


def test_a_token_has_one_owner(woken, services):
    alice, bob, carol = woken.user(), woken.user(), woken.user()
    token = register(bob)
    register(carol, token)
    assert (tokens_of(woken, bob), tokens_of(woken, carol)) == (set(), {token})
    alice.send(bob)
    stays_at(services, token, 0)
    alice.send(carol)
    services.wait_for(token)


@pytest.mark.parametrize("end", ["logout", "removeDevice", "deleteAccount"])
def test_nothing_of_a_device_that_is_no_more_is_kept_or_woken(woken, services, end):
    alice, bob = woken.user(), woken.user()
    other = bob.another()
    token = register(other)
    alice.send(bob)
    services.wait_for(token)
    eventually(lambda: retries_of(woken, other) == [""], 5, "the wake-up is done")
    if end == "logout":
        other.post("/v1/logout").expect(204)
    elif end == "removeDevice":
        bob.post("/v1/removeDevice", {"deviceId": other.device_id}).expect(204)
    else:
        bob.post("/v1/deleteAccount").expect(204)
    eventually(lambda: woken.database.places_of(token) == [] and retries_of(woken, other) == [], 10, "no trace of the token")
    if end != "deleteAccount":
        alice.send(bob)
        stays_at(services, token, 1)


@pytest.mark.parametrize("token", ["", "with space", "a/../b", "ümlaut", "a?b", "x" * 4097, 'quote"', "new\nline"])
def test_a_token_that_is_none_is_refused(client, alice, token):
    answer = alice.post("/v1/updateUser", {"notificationTokens": [{"token": token, "type": "APN"}]})
    assert (answer.status, answer.json["code"]) == (400, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/notificationTokens/0/token"]


def test_the_log_and_the_metrics_tell_of_pushes_but_not_of_tokens(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    services.answer(token, fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", field="message.android"))
    alice.send(bob)
    services.wait_for(token)
    eventually(lambda: "push refused" in woken.log(), 5, "the refusal is logged")
    assert token not in woken.log_path.read_text()
    metrics = woken.client.get("/metrics").body.decode()
    assert 'restante_pushes_total{service="FCM",result="accepted"}' in metrics
    assert 'restante_pushes_total{service="FCM",result="refused"}' in metrics
