"""Two nodes on one database: what one of them does, the other's polls learn at once and not only when they look again, after ten seconds."""

import pytest

from harness.people import Device

# Shorter than the time after which a poll looks by itself.
AT_ONCE = 6


@pytest.fixture
def nodes(own_server):
    """A node with the embedded database, and another that works on the same one."""
    shared = {"RESTANTE_SERVER_SECRET": "the same on every node of the fleet", "RESTANTE_WAKE_BUS": "database"}
    first = own_server(**shared)
    second = own_server(RESTANTE_DATABASE_URL=first.database.conninfo(), **shared)
    yield first, second
    # The one whose database goes with it is the last to go.
    second.terminate()


def elsewhere(device, node):
    """The same device, talking to another node."""
    return Device(node.client, device.number, device.session)


def test_a_message_wakes_a_poll_that_another_node_holds(nodes):
    first, second = nodes
    alice, bob = first.user(), first.user()
    with elsewhere(bob, second).hold(wait=30) as poll:
        assert poll.is_held()
        alice.send(bob, "across")
        assert [item["content"] for item in poll.inbox(AT_ONCE)["messages"]] == ["across"]


def test_a_receipt_wakes_a_poll_that_another_node_holds(nodes):
    first, second = nodes
    alice, bob = first.user(), first.user()
    message = alice.send(bob)
    with elsewhere(alice, second).hold(wait=30) as poll:
        assert poll.is_held()
        assert bob.acknowledge([message]) == 1
        assert [item["messageIds"] for item in poll.inbox(AT_ONCE)["messages"]] == [[message]]


def test_typing_is_shown_to_a_poll_that_another_node_holds(nodes):
    first, second = nodes
    alice, bob = first.user(), first.user()
    with elsewhere(bob, second).hold(wait=30) as poll:
        assert poll.is_held()
        alice.typing(bob)
        assert [item["type"] for item in poll.inbox(AT_ONCE)["ephemeral"]] == ["TYPING"]


def test_removing_a_device_ends_its_poll_on_another_node(nodes):
    first, second = nodes
    bob = first.user()
    other = bob.another()
    with elsewhere(other, second).hold(wait=30) as poll:
        assert poll.is_held()
        bob.post("/v1/removeDevice", {"deviceId": other.device_id}).expect(204)
        answer = poll.answer(AT_ONCE)
    assert (answer.status, answer.json["code"]) == (401, "session-revoked")
    assert elsewhere(other, second).get("/v1/getUser").json["code"] == "session-revoked"


def test_a_poll_on_one_node_supersedes_that_of_the_same_device_on_another(nodes):
    first, second = nodes
    bob = first.user()
    with bob.hold(wait=30) as before:
        assert before.is_held()
        with elsewhere(bob, second).hold(wait=30) as after:
            assert before.inbox(AT_ONCE)["superseded"] is True
            assert after.is_held()
            with bob.hold(wait=30) as back:
                assert after.inbox(AT_ONCE)["superseded"] is True
                assert back.is_held()


def test_a_clientMessageId_is_one_message_whichever_node_it_is_sent_to(nodes):
    first, second = nodes
    alice, bob = first.user(), first.user()
    body = alice.message(bob, "once")
    sent = alice.post("/v1/sendMessage", body).expect(201)
    again = elsewhere(alice, second).post("/v1/sendMessage", body)
    assert (again.status, again.json["messageId"]) == (200, sent["messageId"])
    assert elsewhere(bob, second).texts() == ["once"]
