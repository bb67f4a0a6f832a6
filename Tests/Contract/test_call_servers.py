"""Calls on several nodes, over restarts, and with a TURN server."""

import base64
import hashlib
import hmac
import time

from harness.calls import LATE, answer, end, events, signal, start
from harness.people import Device
from harness.turn import allocate, coturn
from harness.waiting import eventually

# Nodes and restarts


def test_a_call_outlives_a_restart(own_server):
    server = own_server()
    alice, bob = server.user("Alice"), server.user("Bob")
    call = start(alice, bob)
    server.terminate()
    server.start()
    assert events(bob) == ["ringing"]
    answer(bob, call).expect(200)
    server.kill()
    server.start()
    signal(bob, call, "still there").expect(202)
    assert events(alice) == ["answered", "signal"]
    end(alice, call).expect(200)
    assert events(bob) == ["ended"]


def test_any_node_serves_any_call(own_server):
    shared = {"RESTANTE_SERVER_SECRET": "the same on every node of the fleet", "RESTANTE_WAKE_BUS": "database"}
    first = own_server(**shared)
    second = own_server(RESTANTE_DATABASE_URL=first.database.conninfo(), RESTANTE_LIMIT_CALL_RING_SECONDS="5", **shared)
    alice = first.user("Alice")
    bob_here = first.user("Bob")
    bob = Device(second.client, bob_here.number, bob_here.session)
    with bob.hold() as poll:
        assert poll.is_held()
        call = start(alice, bob)
        assert [item["event"] for item in poll.inbox(6)["messages"]] == ["ringing"]
    bob.empty_inbox()
    with alice.hold() as poll:
        assert poll.is_held()
        answer(bob, call).expect(200)
        assert [item["event"] for item in poll.inbox(6)["messages"]] == ["answered"]
    assert end(alice, call).expect(200) == end(bob, call).expect(200)
    # A ring that was begun on the node that goes now is ended by the other.
    alice_there = Device(second.client, alice.number, alice.session)
    bob.empty_inbox()
    start(alice_there, bob_here)
    second.terminate()
    eventually(lambda: events(bob_here) == ["missed"], 5 + LATE, "the other node ends the ring")


# TURN


def test_the_credentials_are_what_coturn_takes(own_server):
    secret = "shared between the two"
    with coturn(secret) as port:
        url = f"turn:127.0.0.1:{port}?transport=udp"
        server = own_server(RESTANTE_TURN_URLS=f"{url},stun:127.0.0.1:{port}", RESTANTE_TURN_SECRET=secret)
        alice, bob = server.user("Alice"), server.user("Bob")
        call = start(alice, bob)
        (own,), (theirs,) = call["iceServers"], answer(bob, call).expect(200)["iceServers"]
        for user, found in ((alice, own), (bob, theirs)):
            assert found["urls"] == [url, f"stun:127.0.0.1:{port}"]
            expiry, name = found["username"].split(":")
            assert name == user.user_id
            assert 3_590 < int(expiry) - time.time() <= 3_600
            assert allocate(port, found["username"], found["credential"]) == 200
        assert allocate(port, own["username"], theirs["credential"]) == 401
        forged = f"{int(time.time()) + 3_600}:{alice.user_id}"
        wrong = base64.b64encode(hmac.new(b"another secret", forged.encode(), hashlib.sha1).digest()).decode()
        assert allocate(port, forged, wrong) == 401
        past = f"{int(time.time()) - 10}:{alice.user_id}"
        right = base64.b64encode(hmac.new(secret.encode(), past.encode(), hashlib.sha1).digest()).decode()
        assert allocate(port, past, right) == 401, "credentials run out"
        end(alice, call).expect(200)
