"""Several devices of one user: each has an inbox of its own."""

import json

from harness.people import new_uuid
from harness.waiting import eventually


def test_every_device_of_the_recipient_gets_the_message_and_acknowledges_for_itself(alice, bob):
    second = bob.another()
    message = alice.send(bob, "for each")
    assert bob.texts() == second.texts() == ["for each"]
    assert bob.acknowledge([message]) == 1
    assert (bob.texts(), second.texts()) == ([], ["for each"])
    assert second.acknowledge([message]) == 1
    assert second.texts() == []


def test_the_other_devices_of_the_sender_get_the_message_as_sent(alice, bob):
    second = alice.another()
    message = alice.send(bob, "from my telephone")
    (copy,) = second.items("TEXT")
    assert (copy["messageId"], copy["direction"], copy["to"]) == (message, "out", bob.user_id)
    assert (copy["content"], copy["from"]) == ("from my telephone", {"userId": alice.user_id, "deviceId": alice.device_id})
    assert alice.texts() == []


def test_the_copy_of_the_sender_wakes_a_held_poll(alice, bob):
    second = alice.another()
    with second.hold() as poll:
        assert poll.is_held()
        message = alice.send(bob)
        assert [item["messageId"] for item in poll.inbox(1)["messages"]] == [message]


def test_a_copy_for_a_group_names_the_group(alice, bob):
    second = alice.another()
    group = alice.create_group(bob)["groupId"]
    alice.send_group(group, "to all")
    (copy,) = second.items("TEXT")
    assert (copy["direction"], copy["groupId"], copy["content"]) == ("out", group, "to all")
    assert "to" not in copy
    (message,) = bob.items("TEXT")
    assert (message["direction"], message["groupId"]) == ("in", group)


def test_the_content_is_gone_when_the_last_device_has_acknowledged(server, alice, bob):
    of_alice, of_bob = alice.another(), bob.another()
    content = "canary" + new_uuid().replace("-", "")
    message = alice.send(bob, content)
    for device in (bob, of_alice, of_bob):
        assert server.database.places_of(content) != []
        assert device.acknowledge([message]) == 1
    assert server.database.places_of(content) == []


def fill(server, device, count):
    server.database.query(
        "INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item) "
        f"SELECT '{device.device_id}', gen_random_uuid(), '{device.user_id}', NULL, 0, '\"x\":1}}' FROM generate_series(1, {count})"
    )


def test_a_device_is_removed_though_its_inbox_cannot_be_cleared(server, alice):
    lost = alice.another()
    fill(server, lost, 10)
    held = "SELECT count(*) FROM pg_locks WHERE mode = 'RowShareLock' AND relation = 'inbox'::regclass"
    with server.database.session(f"SELECT FROM inbox WHERE device_id = '{lost.device_id}' FOR UPDATE"):
        eventually(lambda: server.database.query(held) != [["0"]], 10, "somebody holds its rows")
        alice.post("/v1/removeDevice", {"deviceId": lost.device_id}).expect(204)
        lost.get("/v1/fetchMessages").problem(401, "session-revoked")


def test_the_inbox_of_a_removed_device_is_gone_with_the_answer(server, alice):
    lost = alice.another()
    fill(server, lost, 2_000)
    alice.post("/v1/removeDevice", {"deviceId": lost.device_id}).expect(204)
    assert server.database.query(f"SELECT count(*) FROM inbox WHERE device_id = '{lost.device_id}'") == [["0"]]


def test_a_device_that_comes_later_gets_only_what_comes_later(alice, bob):
    alice.send(bob, "before")
    second = bob.another()
    assert second.texts() == []
    alice.send(bob, "after")
    assert second.texts() == ["after"]
    assert bob.texts() == ["before", "after"]


def test_acknowledging_a_copy_of_ones_own_tells_nobody(alice, bob):
    second = alice.another()
    message = alice.send(bob)
    assert second.acknowledge([message]) == 1
    assert alice.items("RECEIPT") == second.items("RECEIPT") == bob.items("RECEIPT") == []


def begin(device, path, body):
    """A request of which everything is sent but the body's last byte, and a function that sends that and brings the answer."""
    connection = device.client.raw()
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {device.token}\r\nContent-Type: application/json\r\n"
    connection.send(f"{head}Content-Length: {len(content)}\r\nExpect: 100-continue\r\n\r\n".encode())
    assert connection.something_came(10), "the head was taken"
    connection.send(content[:-1])

    def end():
        with connection:
            connection.send(content[-1:])
            return device.client.checker.check(connection.answer("POST", path))

    return end


def test_a_request_that_ends_after_the_removal_of_its_device_does_nothing_more(alice, bob):
    lost = alice.another()
    group = alice.create_group(bob)["groupId"]
    bob.empty_inbox()
    message = {"type": "TEXT", "content": "from the thief", "clientMessageId": new_uuid()}
    requests = [
        begin(lost, "/v1/fetchMessages", {"wait": 30}),
        begin(lost, "/v1/sendGroupMessage", message | {"groupId": group}),
        begin(lost, "/v1/sendMessage", message | {"to": bob.user_id}),
    ]
    alice.post("/v1/removeDevice", {"deviceId": lost.device_id}).expect(204)
    for end in requests:
        end().problem(401, "session-revoked")
    assert bob.texts() == []
