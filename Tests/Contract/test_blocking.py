"""Blocking: what it stops, and that the other side cannot tell."""

import pytest

from harness.people import new_uuid
from harness.waiting import always


def block(device, other):
    device.post("/v1/blockUser", {"userId": other.user_id}).expect(204)


def unblock(device, other):
    device.post("/v1/unblockUser", {"userId": other.user_id}).expect(204)


def blocked_by(device):
    return device.get("/v1/listBlockedUsers").expect(200)["userIds"]


def without_ids(answer):
    """What of an answer does not differ from one request to the next: status, header names, members and their kinds."""
    body = {name: value if name in ("status", "type", "code", "title", "detail") else type(value).__name__ for name, value in answer.json.items()}
    return answer.status, sorted(answer.headers), body


@pytest.fixture
def dora(server):
    return server.user("Dora")


# The three operations


def test_who_is_blocked_is_listed_until_unblocked(alice, bob, carol):
    assert blocked_by(alice) == []
    block(alice, bob)
    block(alice, carol)
    assert blocked_by(alice) == sorted([bob.user_id, carol.user_id])
    assert blocked_by(bob) == []
    unblock(alice, bob)
    assert blocked_by(alice) == [carol.user_id]


def test_blocking_and_unblocking_twice_does_no_harm(alice, bob):
    unblock(alice, bob)
    for _ in range(2):
        block(alice, bob)
    assert blocked_by(alice) == [bob.user_id]
    for _ in range(2):
        unblock(alice, bob)
    assert blocked_by(alice) == []


@pytest.mark.parametrize("operation", ["blockUser", "unblockUser"])
def test_somebody_unknown_is_not_found_and_oneself_is_refused(alice, operation):
    alice.post(f"/v1/{operation}", {"userId": new_uuid()}).problem(404, "not-found")
    problem = alice.post(f"/v1/{operation}", {"userId": alice.user_id}).problem(400, "invalid-request")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/userId"]
    assert blocked_by(alice) == []


def test_a_user_can_block_as_many_as_the_cap_allows(own_server):
    server = own_server(RESTANTE_LIMIT_BLOCKED_USERS="2")
    alice, *others = [server.user() for _ in range(4)]
    for other in others[:2]:
        block(alice, other)
    problem = alice.post("/v1/blockUser", {"userId": others[2].user_id}).problem(429, "rate-limited")
    assert problem["scope"] == "blockedUsers"
    block(alice, others[0])
    assert blocked_by(alice) == sorted(other.user_id for other in others[:2])
    unblock(alice, others[0])
    block(alice, others[2])


# Messages


def test_a_blocked_send_is_answered_like_any_other_and_goes_nowhere(alice, bob, carol):
    block(alice, bob)
    body = bob.message(alice, "into the void")
    blocked = bob.post("/v1/sendMessage", body)
    heard = bob.post("/v1/sendMessage", bob.message(carol, "into the void"))
    assert without_ids(blocked) == without_ids(heard)
    again = bob.post("/v1/sendMessage", body)
    assert (again.status, again.json, again.headers["idempotency-replayed"]) == (200, blocked.json, "true")
    bob.post("/v1/sendMessage", body | {"content": "other"}).problem(422, "client-message-id-reused")
    assert alice.items() == []


def test_nothing_of_a_blocked_message_is_kept(server, alice, bob):
    block(alice, bob)
    canary = "canary" + new_uuid().replace("-", "")
    bob.send(alice, canary)
    assert server.database.places_of(canary) == []


def test_media_that_went_nowhere_is_not_shown_to_the_blocker(alice, bob):
    picture = bob.client.call("POST", "/v1/uploadMedia", bob.token, content=b"bytes", headers={"Content-Type": "image/png"})
    media = picture.expect(201)["mediaId"]
    block(alice, bob)
    bob.post("/v1/sendMessage", bob.message(alice, "", type="IMAGE", media={"mediaId": media})).expect(201)
    alice.get(f"/v1/downloadMedia?mediaId={media}").problem(404, "unknown-media")


def test_the_senders_other_devices_get_their_copy_of_a_blocked_message(alice, bob):
    second = bob.another()
    block(alice, bob)
    bob.send(alice, "my copy")
    assert [(item["direction"], item["to"], item["content"]) for item in second.items("TEXT")] == [("out", alice.user_id, "my copy")]


def test_a_blocked_message_wakes_no_poll(alice, bob, carol):
    block(alice, bob)
    with alice.hold() as poll:
        bob.send(alice, "into the void")
        bob.typing(alice)
        assert poll.is_held(1)
        carol.send(alice, "hello")
        page = poll.inbox(1)
        assert [item["content"] for item in page["messages"]] == ["hello"]
        assert page["ephemeral"] == []


def test_a_block_works_one_way(alice, bob):
    block(alice, bob)
    message = alice.send(bob, "you hear me")
    assert bob.texts() == ["you hear me"]
    bob.acknowledge([message])
    assert [receipt["messageIds"] for receipt in alice.items("RECEIPT")] == [[message]]


def test_what_was_sent_while_blocked_does_not_come_after_all(alice, bob):
    bob.send(alice, "before")
    block(alice, bob)
    bob.send(alice, "during")
    unblock(alice, bob)
    bob.send(alice, "after")
    assert alice.texts() == ["before", "after"]


def test_typing_to_the_blocker_is_accepted_and_shown_to_nobody(alice, bob, carol):
    block(alice, bob)
    assert without_ids(bob.post("/v1/sendMessage", {"to": alice.user_id, "type": "TYPING"})) == without_ids(
        bob.post("/v1/sendMessage", {"to": carol.user_id, "type": "TYPING"})
    )
    assert alice.inbox()["ephemeral"] == []


# Chats


def chats(device):
    return {chat["userId"]: chat["lastMessageAt"] for chat in device.get("/v1/getAll").expect(200)["chats"]}


def test_the_sender_sees_the_chat_move_on_and_the_blocker_does_not(alice, bob):
    block(alice, bob)
    sent = bob.post("/v1/sendMessage", bob.message(alice)).expect(201)
    assert chats(bob) == {alice.user_id: sent["sentAt"]}
    assert chats(alice) == {}


def test_a_chat_from_before_the_block_stands_still_for_the_blocker(alice, bob):
    first = bob.post("/v1/sendMessage", bob.message(alice)).expect(201)["sentAt"]
    block(alice, bob)
    second = bob.post("/v1/sendMessage", bob.message(alice)).expect(201)["sentAt"]
    assert (chats(bob), chats(alice)) == ({alice.user_id: second}, {bob.user_id: first})
    unblock(alice, bob)
    third = bob.post("/v1/sendMessage", bob.message(alice)).expect(201)["sentAt"]
    assert (chats(bob), chats(alice)) == ({alice.user_id: third}, {bob.user_id: third})


# Receipts


def test_no_receipt_tells_of_a_message_from_before_the_block(alice, bob):
    message = bob.send(alice, "before")
    block(alice, bob)
    assert alice.acknowledge([message]) == 1
    alice.post("/v1/markRead", {"senderId": bob.user_id, "messageIds": [message]}).expect(204)
    always(lambda: bob.items() == [], 0.5, "no receipt comes")
    unblock(alice, bob)
    alice.post("/v1/markRead", {"senderId": bob.user_id, "messageIds": [message]}).expect(204)
    assert [receipt["status"] for receipt in bob.items("RECEIPT")] == ["read"]


def test_the_first_of_several_devices_gives_no_receipt_either(alice, bob):
    second = alice.another()
    message = bob.send(alice, "before")
    block(alice, bob)
    for device in (alice, second):
        assert device.acknowledge([message]) == 1
    assert bob.items() == []


def test_the_blocked_put_no_read_receipt_into_the_blockers_inbox(alice, bob, carol):
    message = alice.send(bob, "read this")
    block(alice, bob)
    blocked = bob.post("/v1/markRead", {"senderId": alice.user_id, "messageIds": [message]})
    assert (blocked.status, blocked.body) == (204, b"")
    assert alice.items() == []


def test_markRead_answers_the_sender_of_a_blocked_message_as_if_it_had_been_heard(alice, bob):
    """Otherwise the 404 for somebody without a chat would tell."""
    block(alice, bob)
    bob.send(alice)
    bob.post("/v1/markRead", {"senderId": alice.user_id, "messageIds": [new_uuid()]}).expect(204)
    alice.post("/v1/markRead", {"senderId": bob.user_id, "messageIds": [new_uuid()]}).problem(404, "not-found")


# Profiles, look-ups, groups


def test_profiles_and_look_ups_stay_as_they_are(alice, bob):
    profile = bob.get(f"/v1/getUser?userId={alice.user_id}").expect(200)
    found = bob.post("/v1/lookupUsers", {"mobileNumbers": [alice.number]}).expect(200)
    block(alice, bob)
    assert bob.get(f"/v1/getUser?userId={alice.user_id}").expect(200) == profile
    assert bob.post("/v1/lookupUsers", {"mobileNumbers": [alice.number]}).expect(200) == found


def test_adding_the_blocker_to_a_group_is_refused_as_their_privacy_would(alice, bob, carol, dora):
    block(alice, bob)
    carol.post("/v1/updateUser", {"privacy": {"groups": "nobody"}}).expect(200)
    group = bob.create_group(dora)["groupId"]
    refusals = [bob.group_call("addMember", group, other) for other in (alice, carol)]
    refusals += [bob.post("/v1/createGroup", {"name": "x", "memberIds": [dora.user_id, other.user_id]}) for other in (alice, carol)]
    for refusal in refusals:
        refusal.problem(403, "may-not-add")
    assert without_ids(refusals[0]) == without_ids(refusals[1])
    assert without_ids(refusals[2]) == without_ids(refusals[3])
    assert alice.items() == []
    # Others may, and the blocker may add whom they have blocked.
    dora.create_group(alice, bob)
    alice.create_group(bob)


def test_shared_groups_stay_as_they_are(alice, bob):
    group = alice.create_group(bob)["groupId"]
    for device in (alice, bob):
        device.empty_inbox()
    block(alice, bob)
    message = bob.send_group(group, "to all")
    assert alice.texts() == ["to all"]
    with alice.hold() as poll:
        # The message is still there, so this poll is answered at once; a typing signal is shown with the next.
        poll.inbox(1)
    alice.acknowledge([message])
    alice.post("/v1/markRead", {"senderId": bob.user_id, "messageIds": [message]}).expect(204)
    assert [receipt["status"] for receipt in bob.items("RECEIPT")] == ["delivered", "read"]
    bob.post("/v1/sendGroupMessage", {"groupId": group, "type": "TYPING"}).expect(202)
    assert [item["type"] for item in alice.inbox()["ephemeral"]] == ["TYPING"]
