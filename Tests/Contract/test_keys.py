"""The key directory: what is uploaded is handed out, and a one-time key once, ever."""

import concurrent.futures

import pytest

from harness.keys import POST_QUANTUM_BYTES, claim, counts, identity, one_time_key, random_text, signed_key, text, upload
from harness.people import Device, new_uuid

UPLOAD_BYTES = 512 * 1024


def one_time_keys(*key_ids):
    return {"oneTimePreKeys": [one_time_key(key_id) for key_id in key_ids]}


def low_items(device):
    return [(item["oneTimePreKeyCount"], item["pqOneTimePreKeyCount"]) for item in device.items("KEYS_LOW")]


# Uploads and claims


def test_what_is_uploaded_is_claimed(alice, bob):
    keys = identity(
        **one_time_keys(7),
        pqLastResortPreKey=signed_key(1, POST_QUANTUM_BYTES),
        pqOneTimePreKeys=[signed_key(2, POST_QUANTUM_BYTES)],
    )
    assert upload(bob, keys) == (1, 1)
    (bundle,) = claim(alice, bob)
    assert bundle == {
        "deviceId": bob.device_id,
        "registrationId": keys["registrationId"],
        "identityKey": keys["identityKey"],
        "signedPreKey": keys["signedPreKey"],
        "oneTimePreKey": keys["oneTimePreKeys"][0],
        "pqPreKey": keys["pqOneTimePreKeys"][0],
    }
    assert counts(bob) == (0, 0)


def test_without_one_time_keys_the_lasting_ones_are_served(alice, bob):
    keys = identity(pqLastResortPreKey=signed_key(1, POST_QUANTUM_BYTES))
    upload(bob, keys)
    for _ in range(2):
        (bundle,) = claim(alice, bob)
        assert "oneTimePreKey" not in bundle
        assert bundle["pqPreKey"] == keys["pqLastResortPreKey"]


def test_keys_may_be_uploaded_in_parts(alice, bob):
    keys = identity()
    upload(bob, {"registrationId": keys["registrationId"], "identityKey": keys["identityKey"]} | one_time_keys(1))
    assert claim(alice, bob) == [], "a device without a signed prekey has no keys yet"
    assert counts(bob) == (1, 0)
    upload(bob, {"signedPreKey": keys["signedPreKey"]})
    assert claim(alice, bob)[0]["oneTimePreKey"]["keyId"] == 1
    renewed = signed_key(2)
    upload(bob, {"signedPreKey": renewed})
    (bundle,) = claim(alice, bob)
    assert (bundle["identityKey"], bundle["signedPreKey"]) == (keys["identityKey"], renewed)


def test_an_upload_of_nothing_tells_the_counts(bob):
    assert upload(bob, {}) == counts(bob) == (0, 0)


def test_one_time_keys_are_added(alice, bob):
    upload(bob, identity(**one_time_keys(*range(100))))
    assert upload(bob, one_time_keys(*range(100, 150))) == (150, 0)
    assert [claim(alice, bob)[0]["oneTimePreKey"]["keyId"] for _ in range(3)] == [0, 1, 2]
    assert counts(bob) == (147, 0)


def test_each_device_has_keys_of_its_own(alice, bob):
    second, without = bob.another(), bob.another()
    upload(bob, identity(1, **one_time_keys(1)))
    upload(second, identity(2, **one_time_keys(1)))
    assert {bundle["deviceId"]: bundle["registrationId"] for bundle in claim(alice, bob)} == {bob.device_id: 1, second.device_id: 2}
    assert [bundle["deviceId"] for bundle in claim(alice, bob, second.device_id)] == [second.device_id]
    assert claim(alice, bob, without.device_id) == []


def test_ones_own_claim_leaves_the_asking_device_out(bob):
    second = bob.another()
    upload(bob, identity(**one_time_keys(1)))
    upload(second, identity(**one_time_keys(1)))
    assert [bundle["deviceId"] for bundle in claim(bob, bob)] == [second.device_id]
    assert (counts(bob), counts(second)) == ((1, 0), (0, 0))


def test_claims_of_nobody_are_not_found(alice, bob, carol):
    upload(bob, identity())
    alice.post("/v1/claimKeys", {"userId": new_uuid()}).problem(404, "not-found")
    alice.post("/v1/claimKeys", {"userId": bob.user_id, "deviceId": new_uuid()}).problem(404, "not-found")
    alice.post("/v1/claimKeys", {"userId": carol.user_id, "deviceId": bob.device_id}).problem(404, "not-found")
    assert claim(alice, carol) == []


# Ids


def test_an_unchanged_key_again_is_no_clash(bob):
    keys = one_time_keys(1, 2) | {"pqOneTimePreKeys": [signed_key(1)]}
    assert upload(bob, identity(**keys)) == (2, 1)
    assert upload(bob, keys) == (2, 1)


def test_another_key_under_an_id_clashes_and_the_others_are_kept(alice, bob):
    first = one_time_keys(1)
    upload(bob, identity(**first))
    body = {"oneTimePreKeys": [one_time_key(5), one_time_key(1)], "pqOneTimePreKeys": [signed_key(1)], "signedPreKey": signed_key(9)}
    problem = bob.post("/v1/uploadKeys", body).problem(409, "key-id-clash")
    assert [error["pointer"] for error in problem["errors"]] == ["/oneTimePreKeys/1"]
    assert counts(bob) == (2, 1), "an id of one kind says nothing about the other kind"
    (bundle,) = claim(alice, bob)
    assert bundle["oneTimePreKey"] == first["oneTimePreKeys"][0]
    assert bundle["signedPreKey"] == body["signedPreKey"]


def test_two_keys_under_one_id_in_one_upload_clash(alice, bob):
    keys = one_time_keys(1, 1)
    problem = bob.post("/v1/uploadKeys", identity(**keys)).problem(409, "key-id-clash")
    assert [error["pointer"] for error in problem["errors"]] == ["/oneTimePreKeys/1"]
    assert claim(alice, bob)[0]["oneTimePreKey"] == keys["oneTimePreKeys"][0]


def test_an_id_that_was_handed_out_is_never_good_again(alice, bob):
    keys = one_time_keys(1) | {"pqOneTimePreKeys": [signed_key(1)]}
    upload(bob, identity(**keys))
    claim(alice, bob)
    problem = bob.post("/v1/uploadKeys", keys).problem(409, "key-id-clash")
    assert [error["pointer"] for error in problem["errors"]] == ["/oneTimePreKeys/0", "/pqOneTimePreKeys/0"]
    bob.post("/v1/uploadKeys", one_time_keys(1)).problem(409, "key-id-clash")
    assert "oneTimePreKey" not in claim(alice, bob)[0]


def test_another_identity_is_a_new_beginning(alice, bob):
    upload(bob, identity(1, **one_time_keys(1, 2), pqLastResortPreKey=signed_key(1)))
    claim(alice, bob)
    renewed = identity(2, **one_time_keys(1))
    assert upload(bob, renewed) == (1, 0), "what the old identity had is forgotten, its ids included"
    (bundle,) = claim(alice, bob)
    assert (bundle["registrationId"], bundle["identityKey"], bundle["oneTimePreKey"]) == (2, renewed["identityKey"], renewed["oneTimePreKeys"][0])
    assert "pqPreKey" not in bundle
    upload(bob, {"identityKey": random_text()})
    assert claim(alice, bob) == [], "the signed prekey was signed by the identity before"


def test_an_identity_does_not_inherit_the_registration_id(alice, bob):
    """Otherwise what is sealed for sessions with the identity before would be taken, and nobody could read it."""
    upload(bob, identity(1))
    upload(bob, {"identityKey": random_text(), "signedPreKey": signed_key(2)})
    assert claim(alice, bob) == [], "without a registration id it has no keys yet"
    upload(bob, {"registrationId": 2})
    assert [bundle["registrationId"] for bundle in claim(alice, bob)] == [2]


# Once, ever


def test_a_one_time_key_is_handed_out_once_by_two_nodes(own_server):
    shared = {"RESTANTE_SERVER_SECRET": "the same on every node of the fleet", "RESTANTE_WAKE_BUS": "database"}
    first = own_server(**shared)
    second = own_server(RESTANTE_DATABASE_URL=first.database.conninfo(), **shared)
    bob = first.user()
    askers = [first.user() for _ in range(10)]
    askers = [Device(node.client, asker.number, asker.session) for asker in askers for node in (first, second)]
    keys = one_time_keys(*range(40)) | {"pqOneTimePreKeys": [signed_key(key_id) for key_id in range(30)]}
    upload(bob, identity(**keys))
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        bundles = [bundle for (bundle,) in pool.map(lambda number: claim(askers[number % len(askers)], bob), range(50))]
    one_time = [bundle["oneTimePreKey"]["keyId"] for bundle in bundles if "oneTimePreKey" in bundle]
    post_quantum = [bundle["pqPreKey"]["keyId"] for bundle in bundles if "pqPreKey" in bundle]
    assert sorted(one_time) == list(range(40))
    assert sorted(post_quantum) == list(range(30))
    assert counts(bob) == (0, 0)
    assert sorted(low_items(bob)) == [(19, 9), (29, 19)], "each kind fell once"
    # The one whose database goes with it is the last to go.
    second.terminate()


def test_claims_beyond_six_of_one_user_get_no_one_time_key(alice, bob, carol):
    last_resort = signed_key(1)
    keys = one_time_keys(*range(30)) | {"pqOneTimePreKeys": [signed_key(key_id) for key_id in range(30)]}
    upload(bob, identity(pqLastResortPreKey=last_resort, **keys))
    askers = [alice, alice.another()]
    first = [claim(askers[number % 2], bob)[0] for number in range(6)]
    assert [bundle["oneTimePreKey"]["keyId"] for bundle in first] == [bundle["pqPreKey"]["keyId"] for bundle in first] == list(range(6))
    for asker in askers:
        (bundle,) = claim(asker, bob)
        assert "oneTimePreKey" not in bundle
        assert bundle["pqPreKey"] == last_resort
    assert claim(carol, bob)[0]["oneTimePreKey"]["keyId"] == 6, "others are not concerned"
    assert counts(bob) == (23, 23)


def test_claims_are_counted_for_each_device(alice, bob):
    second = bob.another()
    for device in (bob, second):
        upload(device, identity(**one_time_keys(*range(10))))
    for _ in range(6):
        claim(alice, bob, bob.device_id)
    bundles = {bundle["deviceId"]: bundle for bundle in claim(alice, bob)}
    assert "oneTimePreKey" not in bundles[bob.device_id]
    assert bundles[second.device_id]["oneTimePreKey"]["keyId"] == 0


# KEYS_LOW


def test_a_fall_below_twenty_is_told_once(server, alice, bob):
    upload(bob, identity(**one_time_keys(*range(21)), pqOneTimePreKeys=[signed_key(key_id) for key_id in range(40)]))
    claim(alice, bob)
    assert low_items(bob) == []
    with bob.hold() as poll:
        assert poll.is_held()
        claim(alice, bob)
        (item,) = poll.inbox(2)["messages"]
    assert (item["type"], item["oneTimePreKeyCount"], item["pqOneTimePreKeyCount"]) == ("KEYS_LOW", 19, 38)
    claim(alice, bob)
    upload(bob, one_time_keys(100))
    claim(alice, bob)
    assert low_items(bob) == [(19, 38)]
    upload(bob, one_time_keys(*range(101, 103)))
    carol = server.user()
    claim(carol, bob)
    assert low_items(bob) == [(19, 38), (19, 35)], "after more had been there, the next fall is told again"


def test_the_post_quantum_keys_fall_by_themselves(alice, bob):
    upload(bob, identity(**one_time_keys(*range(40)), pqOneTimePreKeys=[signed_key(key_id) for key_id in range(20)]))
    claim(alice, bob)
    assert low_items(bob) == [(39, 19)]


def test_who_has_no_post_quantum_keys_is_not_asked_for_them(alice, bob):
    upload(bob, identity(**one_time_keys(*range(40))))
    claim(alice, bob)
    assert low_items(bob) == []


def test_only_the_device_concerned_is_told(alice, bob):
    second = bob.another()
    upload(bob, identity(**one_time_keys(*range(20))))
    upload(second, identity(**one_time_keys(*range(40))))
    claim(alice, bob)
    assert (low_items(bob), low_items(second)) == ([(19, 0)], [])


# Keys go with their device


def test_the_keys_of_a_removed_device_are_gone(server, alice, bob):
    second = bob.another()
    marker = identity()
    upload(bob, identity())
    upload(second, marker | one_time_keys(1, 2))
    claim(alice, bob)
    bob.post("/v1/removeDevice", {"deviceId": second.device_id}).expect(204)
    assert [bundle["deviceId"] for bundle in claim(alice, bob)] == [bob.device_id]
    alice.post("/v1/claimKeys", {"userId": bob.user_id, "deviceId": second.device_id}).problem(404, "not-found")
    for table in ("device_keys", "one_time_keys", "key_claims"):
        assert server.database.query(f"SELECT count(*) FROM {table} WHERE device_id = '{second.device_id}'") == [["0"]]


def test_a_device_that_logged_out_has_no_keys(alice, bob):
    second = bob.another()
    upload(second, identity())
    second.post("/v1/logout").expect(204)
    assert claim(alice, bob) == []


def test_keys_outlive_a_restart(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    upload(bob, identity(**one_time_keys(*range(10))))
    before = [claim(alice, bob)[0]["oneTimePreKey"]["keyId"] for _ in range(5)]
    server.kill()
    server.start()
    after = [claim(alice, bob)[0].get("oneTimePreKey", {}).get("keyId") for _ in range(2)]
    assert (before, after) == ([0, 1, 2, 3, 4], [5, None]), "the sixth claim is the last that takes a key, whatever happened between"


# Bad input


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "empty"),
        ("not base64!", "another alphabet"),
        ("AAAA\n", "a line break"),
        ("AAA", "no padding"),
        ("AAB=", "stray bits"),
        ("AB==", "stray bits"),
        ("A===", "too much padding"),
        ("====", "only padding"),
        ("AA=A", "padding inside"),
        ("__--", "the alphabet for addresses"),
        (random_text(257), "too long"),
        (7, "a number"),
        (None, "a null"),
    ],
)
def test_keys_are_base64_in_its_one_form(bob, value, why):
    for body, pointer in (
        ({"identityKey": value}, "/identityKey"),
        ({"oneTimePreKeys": [{"keyId": 1, "publicKey": value}]}, "/oneTimePreKeys/0/publicKey"),
        ({"signedPreKey": signed_key(1) | {"signature": value}}, "/signedPreKey/signature"),
    ):
        problem = bob.post("/v1/uploadKeys", body).problem(400, "invalid-request")
        assert [error["pointer"] for error in problem["errors"]] == [pointer], why
    assert counts(bob) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        {"registrationId": -1},
        {"registrationId": 2**32},
        {"registrationId": 1.0},
        {"registrationId": "1"},
        {"oneTimePreKeys": {}},
        {"oneTimePreKeys": [{"keyId": -1, "publicKey": text(b"key")}]},
        {"oneTimePreKeys": [{"keyId": 2**32, "publicKey": text(b"key")}]},
        {"oneTimePreKeys": [{"publicKey": text(b"key")}]},
        {"oneTimePreKeys": ["key"]},
        {"oneTimePreKeys": [one_time_key(key_id) for key_id in range(101)]},
        {"signedPreKey": {"keyId": 1, "publicKey": text(b"key")}},
        {"signedPreKey": []},
        {"pqOneTimePreKeys": [one_time_key(1)]},
        {"pqLastResortPreKey": {"keyId": 1, "publicKey": random_text(4097), "signature": text(b"signature")}},
    ],
)
def test_an_upload_of_the_wrong_form_is_refused(bob, body):
    bob.post("/v1/uploadKeys", body).problem(400, "invalid-request")
    assert counts(bob) == (0, 0)


def test_unknown_members_of_keys_are_named(bob):
    problem = bob.post("/v1/uploadKeys", {"oneTimePreKeys": [one_time_key(1) | {"signature": "AAAA"}]}).problem(400, "unknown-parameter")
    assert [error["pointer"] for error in problem["errors"]] == ["/oneTimePreKeys/0/signature"]


def test_an_upload_may_have_512_kib(client, bob):
    body = identity(
        **one_time_keys(*range(100)),
        pqLastResortPreKey=signed_key(0, POST_QUANTUM_BYTES),
        pqOneTimePreKeys=[signed_key(key_id, POST_QUANTUM_BYTES) for key_id in range(1, 101)],
    )
    assert upload(bob, body) == (100, 100)
    problem = client.call("POST", "/v1/uploadKeys", bob.token, content=b" " * (UPLOAD_BYTES + 1)).problem(413, "too-large")
    assert problem["maxBytes"] == UPLOAD_BYTES
    assert client.call("POST", "/v1/uploadKeys", bob.token, content=b"{}" + b" " * (UPLOAD_BYTES - 2)).status == 200


def test_nobody_hoards_keys(own_server):
    bob = own_server(RESTANTE_LIMIT_ONE_TIME_KEYS_PER_DEVICE="150").user()
    upload(bob, one_time_keys(*range(100)))
    assert upload(bob, one_time_keys(*range(100, 150))) == (150, 0)
    assert bob.post("/v1/uploadKeys", one_time_keys(150)).problem(429, "rate-limited")["scope"] == "oneTimeKeysPerDevice"
    assert counts(bob) == (150, 0)


def test_claims_are_limited(own_server):
    server = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_KEY_CLAIMS_PER_USER="2")
    alice, bob = server.user(), server.user()
    for _ in range(2):
        claim(alice, bob)
    assert alice.post("/v1/claimKeys", {"userId": bob.user_id}).problem(429, "rate-limited")["scope"] == "keyClaimsPerUser"


def test_no_claim_may_take_a_one_time_key(own_server):
    server = own_server(RESTANTE_LIMIT_KEY_CLAIMS_PER_DEVICE="0")
    alice, bob = server.user(), server.user()
    upload(bob, identity(**one_time_keys(1)))
    (bundle,) = claim(alice, bob)
    assert "oneTimePreKey" not in bundle
    assert counts(bob) == (1, 0)


def test_uploads_are_limited(own_server):
    server = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_KEY_UPLOADS_PER_DEVICE="2")
    bob = server.user()
    for _ in range(2):
        upload(bob, {})
    assert bob.post("/v1/uploadKeys", {}).problem(429, "rate-limited")["scope"] == "keyUploadsPerDevice"
