"""Push through services that refuse, are busy, late or not there; on nodes that crash, and on several at once."""

import concurrent.futures
import time

import pytest

from harness.people import Device, new_uuid
from harness.push_services import apns_error, fcm_error, register, retries_of, tokens_of
from harness.waiting import always, eventually

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
    # The service has taken a push of this server, so its credentials are the app's.
    taken = register(alice, kind=kind)
    bob.send(alice)
    services.wait_for(taken)
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


FOREIGN = [VOID[1], VOID[3], VOID[4]]


@pytest.mark.parametrize(("kind", "answer"), FOREIGN, ids=[str(answer[1])[:60] for _, answer in FOREIGN])
def test_the_credentials_of_another_app_empty_no_table(own_services, own_server, kind, answer):
    server = own_server(**own_services.settings())
    alice, bob = server.user(), server.user()
    token = register(bob, kind=kind)
    own_services.answer(token, answer)
    alice.send(bob)
    own_services.wait_for(token)
    eventually(lambda: "push refused" in server.log(), 10, "an operator is told")
    assert tokens_of(server, bob) == {token}


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
    (first,) = services.wait_for(token)
    everyone = "TooManyRequests" not in str(answer)
    # The others have to wait as well, unless the service has spoken of this one only.
    other = register(alice, kind=kind)
    bob.send(alice)
    assert services.wait_for(other)[0].at - first.at >= 2 or not everyone
    second = services.wait_for(token, 2)[1]
    assert 2 <= second.at - first.at < 6
    services.stays_at(token, 2)


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
    services.stays_at(token, 1)


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
    always(lambda: [len(services.pushes(token)) for token in tokens] == [1] * 5, 3, "one push for each")


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
        services.stays_at(token, 0)


def test_a_ring_that_is_heard_on_another_node_wakes_nobody(nodes, services):
    first, second = nodes
    alice, bob = first.user(), first.user()
    token = register(bob)
    there = elsewhere(bob, second)
    with there.hold(wait=30) as poll:
        assert poll.is_held()
        ring(alice, bob)
        (item,) = poll.inbox(5)["messages"]
        assert item["type"] == "CALL"
    there.acknowledge([item["messageId"]])
    services.stays_at(token, 0)
    # Whoever polls nowhere is woken.
    alice.post("/v1/endCall", {"callId": item["callId"]}).expect(200)
    bob.empty_inbox()
    ring(alice, bob)
    services.wait_for(token)


def ring(caller, callee):
    caller.post("/v1/startCall", {"to": callee.user_id, "kind": "voice", "offer": "v=0"}).expect(201)


def test_a_ring_does_not_take_the_place_of_a_message(own_services, own_server):
    server = own_server(**own_services.settings(RESTANTE_PUSH_DELAY_SECONDS="2"))
    alice, bob = server.user(), server.user()
    token = register(bob)
    alice.send(bob)
    ring(alice, bob)
    first, second = own_services.wait_for(token, 2)
    assert b'"ring"' in first.body and b'"wake"' in second.body
