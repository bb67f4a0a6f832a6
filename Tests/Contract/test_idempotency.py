"""clientMessageId: the same send again is the same message."""

import concurrent.futures

import pytest

from harness.people import new_uuid


def test_the_same_send_again_is_answered_with_the_first_answer(alice, bob):
    body = alice.message(bob, "once")
    first = alice.post("/v1/sendMessage", body)
    again = alice.post("/v1/sendMessage", body)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.expect(200) == first.expect(201)
    assert bob.texts() == ["once"]


def test_a_send_that_was_acknowledged_does_not_come_back_by_repeating_it(alice, bob):
    body = alice.message(bob, "once")
    first = alice.post("/v1/sendMessage", body).expect(201)
    bob.acknowledge([first["messageId"]])
    assert alice.post("/v1/sendMessage", body).expect(200) == first
    assert bob.texts() == []


def test_the_order_of_the_members_makes_no_other_send(alice, bob):
    body = alice.message(bob, "once", forwarded=True)
    first = alice.post("/v1/sendMessage", body).expect(201)
    assert alice.post("/v1/sendMessage", dict(reversed(body.items()))).expect(200) == first


def test_another_device_of_the_sender_may_repeat_the_send(alice, bob):
    second = alice.another()
    body = alice.message(bob, "once")
    first = alice.post("/v1/sendMessage", body).expect(201)
    assert second.post("/v1/sendMessage", body).expect(200) == first
    assert bob.texts() == ["once"]


@pytest.mark.parametrize(
    "change", [{"content": "other"}, {"forwarded": True}, {"replyTo": "0197a000-0000-7000-8000-000000000000"}], ids=lambda change: next(iter(change))
)
def test_the_same_id_with_another_body_is_refused(alice, bob, change):
    body = alice.message(bob, "once")
    alice.post("/v1/sendMessage", body).expect(201)
    alice.post("/v1/sendMessage", body | change).problem(422, "client-message-id-reused")
    assert bob.texts() == ["once"]


def test_the_same_id_to_another_recipient_is_refused(alice, bob, carol):
    body = alice.message(bob, "once")
    alice.post("/v1/sendMessage", body).expect(201)
    alice.post("/v1/sendMessage", body | {"to": carol.user_id}).problem(422, "client-message-id-reused")
    assert carol.texts() == []


def test_the_same_id_to_a_group_is_refused(alice, bob):
    group = alice.create_group(bob)
    body = alice.message(bob, "once")
    alice.post("/v1/sendMessage", body).expect(201)
    to_group = {"groupId": group["groupId"], "type": "TEXT", "content": "once", "clientMessageId": body["clientMessageId"]}
    alice.post("/v1/sendGroupMessage", to_group).problem(422, "client-message-id-reused")
    assert bob.texts() == ["once"]


def test_another_sender_may_use_the_same_id(alice, bob, carol):
    shared = new_uuid()
    alice.send(bob, "from Alice", clientMessageId=shared)
    carol.send(bob, "from Carol", clientMessageId=shared)
    assert bob.texts() == ["from Alice", "from Carol"]


def test_fifty_at_once_are_one_message(alice, bob):
    body = alice.message(bob, "once")
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: alice.post("/v1/sendMessage", body), range(50)))
    assert sorted(answer.status for answer in answers) == [200] * 49 + [201]
    assert len({answer.json["messageId"] for answer in answers}) == len({answer.json["sentAt"] for answer in answers}) == 1
    assert all(answer.headers.get("idempotency-replayed") == ("true" if answer.status == 200 else None) for answer in answers)
    assert bob.texts() == ["once"]


def test_fifty_at_once_with_different_bodies_are_one_message(alice, bob):
    body = alice.message(bob)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: alice.post("/v1/sendMessage", body | {"content": str(number)}), range(50)))
    assert sorted(answer.status for answer in answers) == [201] + [422] * 49
    assert all(answer.json["code"] == "client-message-id-reused" for answer in answers if answer.status == 422)
    winner = next(number for number, answer in enumerate(answers) if answer.status == 201)
    assert bob.texts() == [str(winner)]


def test_a_group_send_is_repeated_likewise(alice, bob):
    group = alice.create_group(bob)
    body = {"groupId": group["groupId"], "type": "TEXT", "content": "once", "clientMessageId": new_uuid()}
    first = alice.post("/v1/sendGroupMessage", body).expect(201)
    again = alice.post("/v1/sendGroupMessage", body)
    assert again.expect(200) == first
    assert again.headers["idempotency-replayed"] == "true"
    alice.post("/v1/sendGroupMessage", body | {"content": "twice"}).problem(422, "client-message-id-reused")
    assert bob.texts() == ["once"]


def test_a_send_is_known_after_a_restart(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    body = alice.message(bob, "once")
    first = alice.post("/v1/sendMessage", body).expect(201)
    server.terminate()
    server.start()
    assert alice.post("/v1/sendMessage", body).expect(200) == first
    assert bob.texts() == ["once"]
