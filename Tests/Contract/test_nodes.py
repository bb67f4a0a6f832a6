"""Two nodes on one database: what one of them does, the other's polls learn at once and not only when they look again, after ten seconds."""

import concurrent.futures

import pytest

from harness.people import Device
from harness.waiting import eventually

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


def test_what_one_sends_through_both_nodes_arrives_in_its_order(nodes):
    alice, bob = nodes[0].user(), nodes[0].user()
    senders = [elsewhere(alice, node) for node in nodes]
    sent = [str(number) for number in range(60)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        sending = pool.submit(lambda: [senders[int(content) % 2].send(bob, content) for content in sent])
        received, done = [], None
        while len(received) < len(sent):
            with bob.hold(wait=5, acknowledge=done) as poll:
                page = poll.inbox(AT_ONCE + 5)["messages"]
            done = [item["messageId"] for item in page]
            received += [item["content"] for item in page]
            assert page or not sending.done(), received
        sending.result()
    assert received == sent


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


# Tokens


def refresh(node, token):
    return node.client.post("/v1/refreshToken", json={"refreshToken": token})


def test_fifty_refreshes_at_once_on_two_nodes_leave_one_session_that_goes_on(nodes):
    alice = nodes[0].user()
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: refresh(nodes[number % 2], alice.refresh_token), range(50)))
    sessions = [answer.expect(200) for answer in answers]
    assert {session["deviceId"] for session in sessions} == {alice.device_id}
    assert len({session["refreshToken"] for session in sessions}) == 50
    # Whichever of them is used first, on whichever node, is the one that goes on.
    nodes[1].client.get("/v1/getUser", sessions[17]["accessToken"]).expect(200)
    for number, session in enumerate(sessions):
        if number != 17:
            nodes[number % 2].client.get("/v1/getUser", session["accessToken"]).problem(401, "invalid-token")
    successor = refresh(nodes[0], sessions[17]["refreshToken"]).expect(200)
    nodes[1].client.get("/v1/getUser", successor["accessToken"]).expect(200)
    assert [device["deviceId"] for device in nodes[0].client.get("/v1/listDevices", successor["accessToken"]).expect(200)["devices"]] == [
        alice.device_id
    ]


def test_a_replay_on_one_node_ends_the_device_on_the_other(nodes):
    first, second = nodes
    alice = first.user()
    session = refresh(first, alice.refresh_token).expect(200)
    with second.client.hold(session["accessToken"]) as poll:
        assert poll.is_held()
        refresh(first, alice.refresh_token).problem(401, "refresh-token-invalid")
        poll.answer(1).problem(401, "session-revoked")
    second.client.get("/v1/getUser", session["accessToken"]).problem(401, "session-revoked")
    refresh(second, session["refreshToken"]).problem(401, "refresh-token-invalid")


@pytest.mark.timeout(120)
def test_new_tokens_end_the_old_access_token_on_every_node(nodes):
    first, second = nodes
    alice = first.user()
    elsewhere(alice, second).get("/v1/getUser").expect(200)
    refresh(first, alice.refresh_token).expect(200)
    # The node has the token in its memory and learns nothing of the refresh.
    eventually(lambda: elsewhere(alice, second).get("/v1/getUser").status == 401, 62, "the old access token ends")
    assert alice.get("/v1/getUser").status == 401


# Devices and blocks


def test_a_removed_device_ends_its_poll_on_another_node_within_a_second(nodes):
    first, second = nodes
    bob = first.user()
    other = bob.another()
    with elsewhere(other, second).hold(wait=30) as poll:
        assert poll.is_held()
        other.post("/v1/logout").expect(204)
        poll.answer(1).problem(401, "session-revoked")


def test_a_block_holds_on_every_node_from_its_answer_on(nodes):
    first, second = nodes
    alice, bob = first.user(), first.user()
    for _ in range(5):
        alice.post("/v1/blockUser", {"userId": bob.user_id}).expect(204)
        elsewhere(bob, second).send(alice, "during")
        elsewhere(alice, second).post("/v1/unblockUser", {"userId": bob.user_id}).expect(204)
        bob.send(alice, "after")
    assert alice.texts() == ["after"] * 5
