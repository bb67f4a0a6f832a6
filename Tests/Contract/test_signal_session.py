"""Sessions of the Signal protocol through the server: it hands keys out and carries ciphertexts, and understands none."""

import pytest

from harness.people import new_uuid
from harness.signal import SenderKey, SignalClient


@pytest.fixture
def ann(alice):
    return SignalClient(alice)


@pytest.fixture
def ben(bob):
    return SignalClient(bob)


def bundles(client, other):
    return client.device.post("/v1/claimKeys", {"userId": other.device.user_id}).expect(200)["devices"]


def test_a_session_begins_with_claimed_keys_and_ratchets_both_ways(ann, ben):
    (bundle,) = bundles(ann, ben)
    first = ann.begin(bundle, "Is there mail?")
    assert first["type"] == "PREKEY"
    body = {"to": ben.device.user_id, "type": "TEXT", "clientMessageId": new_uuid(), "ciphertexts": [first]}
    ann.device.post("/v1/sendMessage", body).expect(201)
    ann.send_to(ben, "Are you there?", [ben.device.device_id])
    assert [text for _, _, text in ben.plaintexts()] == ["Is there mail?", "Are you there?"]

    ben.registrations[ann.device.device_id] = ann.registration_id
    for number in range(3):
        ben.send_to(ann, f"answer {number}", [ann.device.device_id])
        assert ann.plaintexts() == [(ben.device.device_id, "in", f"answer {number}")]
        ann.send_to(ben, f"question {number}", [ben.device.device_id])
        (item,) = ben.device.items("TEXT")
        assert item["ciphertext"]["type"] == "MESSAGE", "once answered, a session needs no more key agreement"
        assert ben.plaintexts() == [(ann.device.device_id, "in", f"question {number}")]


def test_the_server_sees_no_word(server, ann, ben):
    secret = "the canary sings at seven"
    ann.send_to(ben, secret)
    assert server.database.places_of(secret) == []
    assert ben.plaintexts() == [(ann.device.device_id, "in", secret)]


def test_messages_that_come_late_or_twice_are_read_all_the_same(ann, ben):
    for number in range(4):
        ann.send_to(ben, str(number), [ben.device.device_id] if number else [])
    items = ben.device.items("TEXT")
    assert [ben.decrypt(items[number]) for number in (0, 3, 1, 2)] == ["0", "3", "1", "2"]


def test_a_second_device_is_missing_then_written_to(ann, ben):
    ann.send_to(ben, "to one device")
    second = SignalClient(ben.device.another())
    _, problems = ann.send_to(ben, "to both", [ben.device.device_id])
    (problem,) = problems
    assert (problem["missing"], problem["extra"], problem["stale"]) == ([second.device.device_id], [], [])
    assert [bundle["deviceId"] for bundle in problem["bundles"]] == [second.device.device_id]
    assert [text for _, _, text in ben.plaintexts()] == ["to one device", "to both"]
    assert second.plaintexts() == [(ann.device.device_id, "in", "to both")]


def test_ones_own_other_device_reads_along(ann, ben):
    tablet = SignalClient(ann.device.another())
    _, (problem,) = ann.send_to(ben, "seen everywhere")
    assert set(problem["missing"]) == {ben.device.device_id, tablet.device.device_id}
    assert ben.plaintexts() == [(ann.device.device_id, "in", "seen everywhere")]
    assert tablet.plaintexts() == [(ann.device.device_id, "out", "seen everywhere")]


def test_a_device_that_was_set_up_anew_is_stale_and_gets_a_new_session(ann, ben):
    ann.send_to(ben, "before")
    assert ben.plaintexts() == [(ann.device.device_id, "in", "before")]
    anew = SignalClient(ben.device)
    anew.registration_id = ben.registration_id + 1
    ben.device.post("/v1/uploadKeys", {"registrationId": anew.registration_id}).expect(200)
    _, problems = ann.send_to(ben, "after", [ben.device.device_id])
    assert [(problem["missing"], problem["stale"]) for problem in problems] == [
        ([], [ben.device.device_id]),
        ([ben.device.device_id], []),
    ]
    assert anew.plaintexts() == [(ann.device.device_id, "in", "after")]


def test_a_removed_device_is_extra(ann, ben):
    second = SignalClient(ben.device.another())
    ann.send_to(ben, "both")
    ben.device.post("/v1/removeDevice", {"deviceId": second.device.device_id}).expect(204)
    _, (problem,) = ann.send_to(ben, "one", [ben.device.device_id, second.device.device_id])
    assert (problem["missing"], problem["extra"], problem["stale"], problem["bundles"]) == ([], [second.device.device_id], [], [])
    assert [text for _, _, text in ben.plaintexts()] == ["both", "one"]


def test_a_group_shares_a_sender_key_and_then_sends_one_ciphertext(carol, ann, ben):
    cleo = SignalClient(carol)
    group_id = ann.device.create_group(ben.device, cleo.device)["groupId"]
    others = [ben, cleo]

    # The key goes to each device by a session of its own ...
    key = SenderKey()
    _, (problem,) = ann.send("/v1/sendGroupMessage", {"groupId": group_id}, key.text, [])
    assert set(problem["missing"]) == {other.device.device_id for other in others}
    received = {}
    for other in others:
        ((_, _, text),) = other.plaintexts()
        received[other] = SenderKey.from_text(text)

    # ... and each message after it once to all.
    for number in range(3):
        body = {"groupId": group_id, "type": "TEXT", "clientMessageId": new_uuid()}
        ann.device.post("/v1/sendGroupMessage", body | {"ciphertext": key.encrypt(f"song {number}")}).expect(201)
    for other in others:
        items = other.device.items("TEXT")
        assert [received[other].decrypt(item["ciphertext"]) for item in items] == ["song 0", "song 1", "song 2"]
        assert all(item["groupId"] == group_id and "content" not in item for item in items)
