"""Encrypted sends: every device with keys gets its own ciphertext, and none is forgotten."""

import concurrent.futures
import threading

import pytest

from harness.keys import group_message, identity, message, one_time_key, random_text, sealed, set_up, upload
from harness.people import Device, new_uuid
from harness.waiting import eventually

KIB = 1024


def served(device):
    """What the device's messages carry for it."""
    return [item["ciphertext"] for item in device.items("TEXT")]


def as_served(ciphertext):
    return {"type": ciphertext["type"], "body": ciphertext["body"]}


def changed(answer):
    problem = answer.problem(409, "devices-changed")
    assert [bundle["deviceId"] for bundle in problem["bundles"]] == sorted(problem["missing"])
    return set(problem["missing"]), set(problem["extra"]), set(problem["stale"])


# To a user


def test_each_device_is_served_its_own(alice, bob):
    devices = set_up(bob, bob.another(), alice.another())
    ciphertexts = [sealed(device, kind) for device, kind in zip(devices, ("PREKEY", "MESSAGE", "MESSAGE"), strict=True)]
    body = message(bob, ciphertexts, forwarded=True, replyTo=new_uuid())
    sent = alice.post("/v1/sendMessage", body).expect(201)
    for device, ciphertext in zip(devices, ciphertexts, strict=True):
        (item,) = device.items()
        assert item["ciphertext"] == as_served(ciphertext)
        assert "content" not in item
        assert (item["messageId"], item["from"], item["clientMessageId"], item["forwarded"], item["replyTo"]) == (
            sent["messageId"],
            {"userId": alice.user_id, "deviceId": alice.device_id},
            body["clientMessageId"],
            True,
            body["replyTo"],
        )
        assert (item["direction"], item.get("to")) == (("in", None) if device.user_id == bob.user_id else ("out", bob.user_id))
    assert alice.items() == []


def test_a_held_poll_gets_its_own_at_once(alice, bob):
    first, second = set_up(bob, bob.another())
    with first.hold() as one, second.hold() as other:
        assert one.is_held() and other.is_held()
        ciphertexts = [sealed(first), sealed(second)]
        alice.post("/v1/sendMessage", message(bob, ciphertexts)).expect(201)
        assert [poll.inbox(2)["messages"][0]["ciphertext"] for poll in (one, other)] == [as_served(ciphertext) for ciphertext in ciphertexts]


def test_nothing_is_stored_unless_the_set_is_exact(server, alice, bob, carol):
    first, second, tablet, stranger = set_up(bob, bob.another(), alice.another(), carol)
    exact = [sealed(first), sealed(second), sealed(tablet)]
    stale = sealed(second) | {"registrationId": 99}
    assert changed(alice.post("/v1/sendMessage", message(bob, []))) == ({first.device_id, second.device_id, tablet.device_id}, set(), set())
    assert changed(alice.post("/v1/sendMessage", message(bob, exact[:2]))) == ({tablet.device_id}, set(), set())
    assert changed(alice.post("/v1/sendMessage", message(bob, [*exact, sealed(stranger)]))) == (set(), {stranger.device_id}, set())
    assert changed(alice.post("/v1/sendMessage", message(bob, [exact[0], stale, exact[2]]))) == (set(), set(), {second.device_id})
    unknown = sealed(first) | {"deviceId": new_uuid()}
    answer = alice.post("/v1/sendMessage", message(bob, [unknown, stale, exact[2]]))
    assert changed(answer) == ({first.device_id}, {unknown["deviceId"]}, {second.device_id})
    for device in (first, second, tablet, stranger):
        assert device.items("TEXT") == []
    assert server.database.query(f"SELECT count(*) FROM sent_messages WHERE sender_id = '{alice.user_id}'") == [["0"]]


def test_the_sending_device_is_none_of_the_set(alice, bob):
    set_up(alice, bob)
    assert changed(alice.post("/v1/sendMessage", message(bob, [sealed(bob), sealed(alice)]))) == (set(), {alice.device_id}, set())
    alice.post("/v1/sendMessage", message(bob, [sealed(bob)])).expect(201)


def test_the_refusal_brings_what_is_needed_to_send_again(alice, bob):
    set_up(bob)
    body = message(bob, [])
    problem = alice.post("/v1/sendMessage", body).problem(409, "devices-changed")
    (bundle,) = problem["bundles"]
    assert bundle["oneTimePreKey"]["keyId"] == 0
    assert bundle["registrationId"] == bob.registration_id
    assert bob.get("/v1/countKeys").expect(200)["oneTimePreKeyCount"] == 29, "it was handed out like any other"
    body["ciphertexts"] = [sealed(bob, "PREKEY")]
    alice.post("/v1/sendMessage", body).expect(201)
    assert served(bob) == [as_served(body["ciphertexts"][0])]


def test_a_device_without_keys_gets_no_copy(alice, bob):
    (second,) = set_up(bob.another())
    alice.post("/v1/sendMessage", message(bob, [sealed(second)])).expect(201)
    assert len(served(second)) == 1
    assert bob.items() == []
    upload(bob, {"registrationId": 5, "identityKey": random_text()})
    alice.post("/v1/sendMessage", message(bob, [sealed(second)])).expect(201)
    assert bob.items() == [], "it has no signed prekey, so nobody can write to it"


def test_a_removed_device_is_extra(alice, bob):
    first, second = set_up(bob, bob.another())
    second.post("/v1/logout").expect(204)
    assert changed(alice.post("/v1/sendMessage", message(bob, [sealed(first), sealed(second)]))) == (set(), {second.device_id}, set())


def test_to_oneself_it_goes_to_ones_other_devices(alice):
    first, second = set_up(alice, alice.another())
    first.post("/v1/sendMessage", message(first, [sealed(second)])).expect(201)
    assert [item["direction"] for item in second.items("TEXT")] == ["in"]


def test_an_unknown_recipient_is_told_as_ever(alice, bob):
    set_up(bob)
    alice.post("/v1/sendMessage", message(bob, [sealed(bob)]) | {"to": new_uuid()}).problem(404, "unknown-recipient")


# The same send again


def test_the_same_send_again_is_one_message(alice, bob):
    devices = set_up(bob, bob.another())
    body = message(bob, [sealed(device) for device in devices])
    first = alice.post("/v1/sendMessage", body).expect(201)
    for order in (1, -1):
        again = alice.post("/v1/sendMessage", body | {"ciphertexts": body["ciphertexts"][::order]})
        assert (again.status, again.headers.get("idempotency-replayed"), again.json) == (200, "true", first)
    set_up(bob.another())
    assert alice.post("/v1/sendMessage", body).status == 200, "what was sent stays sent, whatever devices came since"
    assert len(served(bob)) == 1


@pytest.mark.parametrize("member", ["body", "registrationId", "type"])
def test_every_ciphertext_counts_for_what_is_the_same(alice, bob, member):
    first, second = set_up(bob, bob.another())
    body = message(bob, [sealed(first), sealed(second)])
    alice.post("/v1/sendMessage", body).expect(201)
    other = {"body": random_text(100), "registrationId": 77, "type": "PREKEY"}[member]
    body["ciphertexts"][1] |= {member: other}
    alice.post("/v1/sendMessage", body).problem(422, "client-message-id-reused")
    clear = {name: value for name, value in body.items() if name != "ciphertexts"} | {"content": ""}
    alice.post("/v1/sendMessage", clear).problem(422, "client-message-id-reused")


def test_fifty_at_once_are_one_message(alice, bob):
    set_up(bob)
    body = message(bob, [sealed(bob)])
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: alice.post("/v1/sendMessage", body), range(50)))
    assert sorted(answer.status for answer in answers) == [200] * 49 + [201]
    assert len({answer.json["messageId"] for answer in answers}) == 1
    assert len(served(bob)) == 1


# What holds for every message


def test_receipts_come_as_for_any_message(alice, bob):
    first, second = set_up(bob, bob.another())
    sent = alice.post("/v1/sendMessage", message(bob, [sealed(first), sealed(second)])).expect(201)["messageId"]
    second.acknowledge([sent])
    first.acknowledge([sent])
    assert [(item["status"], item["messageIds"]) for item in alice.items("RECEIPT")] == [("delivered", [sent])]


def test_the_last_acknowledgement_leaves_no_copy(server, alice, bob):
    devices = set_up(bob, bob.another())
    bodies = [random_text(99) for _ in devices]
    alice.post("/v1/sendMessage", message(bob, [sealed(device, body=body) for device, body in zip(devices, bodies, strict=True)])).expect(201)
    assert all(server.database.places_of(body) for body in bodies)
    for device in devices:
        device.acknowledge(item["messageId"] for item in device.items())
    assert [server.database.places_of(body) for body in bodies] == [[], []]


def test_the_chat_is_there_for_both(alice, bob):
    set_up(bob)
    alice.post("/v1/sendMessage", message(bob, [sealed(bob)])).expect(201)
    assert [chat["userId"] for chat in alice.get("/v1/getAll").expect(200)["chats"]] == [bob.user_id]
    assert [chat["userId"] for chat in bob.get("/v1/getAll").expect(200)["chats"]] == [alice.user_id]


def test_it_expires_when_it_should(server, alice, bob):
    set_up(bob)
    sent = alice.post("/v1/sendMessage", message(bob, [sealed(bob)], expiresIn=60)).expect(201)["messageId"]
    assert [item["expiresIn"] for item in bob.items("TEXT")] == [60]
    found = server.database.query(f"SELECT extract(epoch FROM expires_at - now()) BETWEEN 30 AND 60 FROM inbox WHERE message_id = '{sent}'")
    assert found == [["t"]]


def test_who_is_blocked_learns_nothing_of_it(alice, bob):
    first, second, tablet = set_up(bob, bob.another(), alice.another())
    bob.post("/v1/blockUser", {"userId": alice.user_id}).expect(204)
    assert changed(alice.post("/v1/sendMessage", message(bob, [sealed(first)]))) == ({second.device_id, tablet.device_id}, set(), set())
    body = message(bob, [sealed(first), sealed(second), sealed(tablet)])
    sent = alice.post("/v1/sendMessage", body).expect(201)
    assert (first.items("TEXT"), second.items("TEXT")) == ([], [])
    assert served(tablet) == [as_served(body["ciphertexts"][2])]
    again = alice.post("/v1/sendMessage", body)
    assert (again.status, again.json) == (200, sent)
    assert [chat["userId"] for chat in alice.get("/v1/getAll").expect(200)["chats"]] == [bob.user_id]
    assert bob.get("/v1/getAll").expect(200)["chats"] == []


def test_sends_in_the_clear_and_encrypted_ones_keep_their_order(alice, bob):
    set_up(bob)
    ids = []
    for number in range(10):
        body = message(bob, [sealed(bob)]) if number % 2 else alice.message(bob, str(number))
        ids.append(alice.post("/v1/sendMessage", body).expect(201)["messageId"])
    assert [item["messageId"] for item in bob.items("TEXT")] == ids == sorted(ids)


# Devices that come and go meanwhile


def test_a_device_that_comes_meanwhile_is_included_or_reported(alice, bob):
    """Whoever sends while a device sets itself up either has written to it, or has been told of it, or was before it."""
    set_up(bob)
    newcomer = bob.another()
    newcomer.registration_id = 1
    enough, sent = threading.Event(), []

    def send_on():
        devices = [bob]
        while not enough.is_set():
            answer = alice.post("/v1/sendMessage", message(bob, [sealed(device) for device in devices]))
            if answer.status == 409:
                assert changed(answer) == ({newcomer.device_id}, set(), set())
                devices = [bob, newcomer]
            else:
                sent.append((answer.expect(201)["messageId"], len(devices)))

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send_on)
        try:
            eventually(lambda: len(sent) > 3, 10, "sends before the newcomer")
            set_up(newcomer)
            known = len(sent)
            eventually(lambda: len(sent) > known + 3, 10, "sends after it")
        finally:
            enough.set()
        sending.result(timeout=30)
    assert all(count == 2 for _, count in sent[known + 1 :]), "from the answer on, no send passes it over but the one under way"
    assert [item["messageId"] for item in newcomer.items("TEXT")] == [message_id for message_id, count in sent if count == 2]
    assert [item["messageId"] for item in bob.items("TEXT")] == [message_id for message_id, _ in sent]


# To a group


def test_a_group_message_goes_to_each_device_of_every_member(alice, bob, carol):
    devices = set_up(bob, bob.another(), carol, alice.another())
    without = carol.another()
    group_id = alice.create_group(bob, carol)["groupId"]
    assert changed(alice.post("/v1/sendGroupMessage", group_message(group_id, ciphertexts=[]))) == (
        {device.device_id for device in devices},
        set(),
        set(),
    )
    ciphertexts = [sealed(device) for device in devices]
    sent = alice.post("/v1/sendGroupMessage", group_message(group_id, ciphertexts=ciphertexts)).expect(201)["messageId"]
    for device, ciphertext in zip(devices, ciphertexts, strict=True):
        (item,) = device.items("TEXT")
        assert (item["messageId"], item["groupId"], item["ciphertext"]) == (sent, group_id, as_served(ciphertext))
        assert item["direction"] == ("out" if device.user_id == alice.user_id else "in")
    assert without.items("TEXT") == alice.items("TEXT") == []
    devices[0].acknowledge([sent])
    devices[1].acknowledge([sent])
    assert [item["from"]["userId"] for item in alice.items("RECEIPT")] == [bob.user_id]


def test_a_member_who_left_is_extra_and_one_who_came_is_missing(alice, bob, carol):
    set_up(bob, carol)
    group_id = alice.create_group(bob)["groupId"]
    alice.group_call("addMember", group_id, carol).expect(200)
    alice.group_call("removeMember", group_id, bob).expect(200)
    answer = alice.post("/v1/sendGroupMessage", group_message(group_id, ciphertexts=[sealed(bob)]))
    assert changed(answer) == ({carol.device_id}, {bob.device_id}, set())


def test_who_is_no_member_sends_nothing(alice, bob, carol):
    set_up(bob)
    group_id = alice.create_group(bob)["groupId"]
    carol.post("/v1/sendGroupMessage", group_message(group_id, ciphertexts=[sealed(bob)])).problem(404, "not-found")
    carol.post("/v1/sendGroupMessage", group_message(group_id, ciphertext={"type": "SENDER_KEY", "body": "AAAA"})).problem(404, "not-found")
    assert bob.items("TEXT") == []


def test_one_ciphertext_may_be_for_all(alice, bob, carol):
    devices = set_up(bob, bob.another(), carol, alice.another())
    without = carol.another()
    group_id = alice.create_group(bob, carol)["groupId"]
    ciphertext = {"type": "SENDER_KEY", "body": random_text(1000)}
    body = group_message(group_id, ciphertext=ciphertext)
    sent = alice.post("/v1/sendGroupMessage", body).expect(201)
    for device in devices:
        (item,) = device.items("TEXT")
        assert (item["messageId"], item["ciphertext"]) == (sent["messageId"], ciphertext)
        assert "content" not in item
    assert without.items("TEXT") == [], "a device without keys can have no sender key either"
    again = alice.post("/v1/sendGroupMessage", body)
    assert (again.status, again.json) == (200, sent)
    body["ciphertext"] = {"type": "SENDER_KEY", "body": random_text(1000)}
    alice.post("/v1/sendGroupMessage", body).problem(422, "client-message-id-reused")


def test_a_large_one_for_all_is_stored_once_and_goes_with_the_last(server, alice):
    members = set_up(*(server.user() for _ in range(12)))
    group_id = alice.create_group(*members)["groupId"]
    ciphertext = {"type": "SENDER_KEY", "body": random_text(90 * KIB)}
    sent = alice.post("/v1/sendGroupMessage", group_message(group_id, ciphertext=ciphertext)).expect(201)["messageId"]
    assert server.database.query(f"SELECT outstanding FROM shared_items WHERE message_id = '{sent}'") == [["12"]]
    for member in members:
        (item,) = member.items("TEXT")
        assert item["ciphertext"] == ciphertext
        assert member.acknowledge([sent]) == 1
    assert server.database.query(f"SELECT count(*) FROM shared_items WHERE message_id = '{sent}'") == [["0"]]


def test_a_group_of_many_devices_gets_a_ciphertext_each(server, alice):
    members = set_up(*(server.user() for _ in range(30)))
    group_id = alice.create_group(*members)["groupId"]
    ciphertexts = [sealed(member, body=random_text(20 * KIB)) for member in members]
    alice.post("/v1/sendGroupMessage", group_message(group_id, ciphertexts=ciphertexts)).expect(201)
    assert [served(member) for member in members] == [[as_served(ciphertext)] for ciphertext in ciphertexts]


def test_a_node_serves_what_another_has_taken(own_server):
    shared = {"RESTANTE_SERVER_SECRET": "the same on every node of the fleet", "RESTANTE_WAKE_BUS": "database"}
    first = own_server(**shared)
    second = own_server(RESTANTE_DATABASE_URL=first.database.conninfo(), **shared)
    alice, bob = first.user(), first.user()
    set_up(bob)
    body = message(bob, [sealed(bob)])
    with Device(second.client, bob.number, bob.session).hold() as poll:
        assert poll.is_held()
        alice.post("/v1/sendMessage", body).expect(201)
        assert [item["ciphertext"] for item in poll.inbox(6)["messages"]] == [as_served(body["ciphertexts"][0])]
    assert Device(second.client, alice.number, alice.session).post("/v1/sendMessage", body).status == 200
    # The one whose database goes with it is the last to go.
    second.terminate()


def test_media_is_named_in_the_clear_and_shown_to_who_gets_the_message(client, alice, bob, carol):
    set_up(bob)
    uploaded = client.call("POST", "/v1/uploadMedia", alice.token, content=b"sealed bytes", headers={"Content-Type": "application/octet-stream"})
    media_id = uploaded.expect(201)["mediaId"]
    path = f"/v1/downloadMedia?mediaId={media_id}"
    bob.get(path).problem(404, "unknown-media")
    alice.post("/v1/sendMessage", message(bob, [sealed(bob)], type="IMAGE", media={"mediaId": media_id})).expect(201)
    (item,) = bob.items("IMAGE")
    assert item["media"] == {"mediaId": media_id}
    assert "content" not in item
    assert bob.get(path).body == b"sealed bytes"
    carol.get(path).problem(404, "unknown-media")
    group_id = alice.create_group(bob, carol)["groupId"]
    alice.post("/v1/sendGroupMessage", group_message(group_id, ciphertexts=[sealed(bob)], media={"mediaId": media_id})).expect(201)
    assert carol.get(path).body == b"sealed bytes"
