"""Push: who does not poll is woken, once, and told nothing."""

import json
import time

import pytest

from harness.people import new_uuid
from harness.push_services import TOPIC, fcm_error, register, retries_of, tokens_of
from harness.waiting import eventually


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


def test_a_ring_wakes_whoever_was_woken_lately_and_is_not_kept_for_long(woken, services):
    alice, bob = woken.user("Alice Canary"), woken.user("Bob Canary")
    token = register(bob)
    alice.send(bob)
    services.wait_for(token)
    call = alice.post("/v1/startCall", {"to": bob.user_id, "kind": "voice", "offer": "canary offer"}).expect(201)["callId"]
    ring = services.wait_for(token, 2)[1]
    message = json.loads(ring.body)["message"]
    assert message["data"] == {"restante": "wake"}
    assert message["android"].pop("ttl") in [f"{seconds}s" for seconds in range(50, 61)]
    assert message["android"] == {"priority": "HIGH", "collapse_key": "ring"}
    for secret in ["anary", call, alice.number, alice.user_id, bob.user_id]:
        assert secret not in f"{ring.headers} {ring.body.decode()}"
    alice.post("/v1/endCall", {"callId": call}).expect(200)


def test_many_messages_are_one_wake_up_until_the_device_has_come(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    for number in range(5):
        alice.send(bob, f"{number}")
    services.wait_for(token)
    alice.send(bob, "later")
    services.stays_at(token, 1)
    bob.empty_inbox()
    alice.send(bob, "news")
    services.wait_for(token, 2)
    services.stays_at(token, 2)


def test_who_was_woken_long_ago_is_woken_again_for_what_is_new(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    alice.send(bob)
    services.wait_for(token)
    eventually(lambda: retries_of(woken, bob) == [""], 5, "the wake-up is done")
    woken.database.query(f"UPDATE wake_ups SET woken_at = woken_at - interval '11 minutes' WHERE device_id = '{bob.device_id}'")
    services.stays_at(token, 1)
    alice.send(bob)
    services.wait_for(token, 2)


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
        services.stays_at(token, 0)


def test_a_message_that_is_acknowledged_in_time_wakes_nobody(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    assert bob.acknowledge([alice.send(bob)]) == 1
    services.stays_at(token, 0)


def test_a_later_message_waits_its_own_time(woken, services):
    alice, bob = woken.user(), woken.user()
    token = register(bob)
    assert bob.acknowledge([alice.send(bob, "first")]) == 1
    alice.send(bob, "second")
    services.wait_for(token)
    services.stays_at(token, 1)


def test_receipts_and_copies_of_ones_own_messages_wake_nobody(woken, services):
    alice, bob = woken.user(), woken.user()
    first, second = register(alice), register(other := alice.another())
    assert bob.acknowledge([alice.send(bob)]) == 1
    assert other.items(), "the copy is there"
    services.stays_at(first, 0)
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


def test_a_token_has_one_owner(woken, services):
    alice, bob, carol = woken.user(), woken.user(), woken.user()
    token = register(bob)
    register(carol, token)
    assert (tokens_of(woken, bob), tokens_of(woken, carol)) == (set(), {token})
    alice.send(bob)
    services.stays_at(token, 0)
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
        services.stays_at(token, 1)


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
