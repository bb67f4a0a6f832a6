"""The requests of encrypted sends: how large they may be, and what is wrong with bad ones."""

import json

import pytest

from harness.keys import group_message, message, random_text, sealed, set_up

KIB = 1024
MIB = 1024 * 1024


# Sizes


def padded(body, length):
    text = json.dumps(body).encode()
    return text + b" " * (length - len(text))


def test_with_ciphertexts_a_body_may_have_a_mebibyte(client, alice, bob):
    set_up(bob)
    body = message(bob, [sealed(bob, body=random_text(780_000))])
    client.call("POST", "/v1/sendMessage", alice.token, content=padded(body, MIB)).expect(201)
    assert [item["ciphertext"]["body"] for item in bob.items("TEXT")] == [body["ciphertexts"][0]["body"]]
    problem = client.call("POST", "/v1/sendMessage", alice.token, content=padded(body, MIB + 1)).problem(413, "too-large")
    assert problem["maxBytes"] == MIB


def test_without_ciphertexts_it_may_not(client, alice, bob):
    group_id = alice.create_group(bob)["groupId"]
    shared = group_message(group_id, ciphertext={"type": "SENDER_KEY", "body": "AAAA"})
    for path, body in (("/v1/sendMessage", alice.message(bob)), ("/v1/sendGroupMessage", shared), ("/v1/sendMessage", {})):
        problem = client.call("POST", path, alice.token, content=padded(body, 128 * KIB + 1)).problem(413, "too-large")
        assert problem["maxBytes"] == 128 * KIB
    client.call("POST", "/v1/sendMessage", alice.token, content=padded(alice.message(bob), 128 * KIB)).expect(201)


# Bad input


def test_a_device_named_twice_is_refused(alice, bob):
    set_up(bob)
    problem = alice.post("/v1/sendMessage", message(bob, [sealed(bob), sealed(bob)])).problem(400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["/ciphertexts/1/deviceId"]
    assert bob.items() == []


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"content": "hello"}, "/content"),
        ({"ciphertexts": {}}, "/ciphertexts"),
        ({"ciphertexts": ["sealed"]}, "/ciphertexts/0"),
        ({"ciphertexts": None}, "/ciphertexts"),
        ({"media": {"mediaId": "0198c0de-7a11-7f04-8b1d-6a7c8e9f0a1b", "caption": "in the clear"}}, "/media/caption"),
    ],
)
def test_a_send_of_the_wrong_form_is_refused(alice, bob, members, pointer):
    set_up(bob)
    problem = alice.post("/v1/sendMessage", message(bob, [sealed(bob)]) | members).problem(400, "invalid-request")
    assert pointer in [error["pointer"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("deviceId", "bob"),
        ("registrationId", -1),
        ("registrationId", "1"),
        ("type", "SENDER_KEY"),
        ("type", "prekey"),
        ("body", ""),
        ("body", "AAA"),
        ("body", "AB=="),
        ("body", 'A","x":'),
        ("body", 7),
    ],
)
def test_a_ciphertext_of_the_wrong_form_is_refused(alice, bob, member, value):
    set_up(bob)
    problem = alice.post("/v1/sendMessage", message(bob, [sealed(bob) | {member: value}])).problem(400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == [f"/ciphertexts/0/{member}"]
    without = {name: kept for name, kept in sealed(bob).items() if name != member}
    alice.post("/v1/sendMessage", message(bob, [without])).problem(400, "invalid-request")


def test_a_ciphertext_for_all_is_for_groups_alone(alice, bob):
    set_up(bob)
    shared = {"type": "SENDER_KEY", "body": "AAAA"}
    problem = alice.post("/v1/sendMessage", message(bob, []) | {"ciphertext": shared}).problem(400, "unknown-parameter")
    assert problem["didYouMean"] == "ciphertexts"
    group_id = alice.create_group(bob)["groupId"]
    both = group_message(group_id, ciphertext=shared, ciphertexts=[sealed(bob)])
    assert [error["pointer"] for error in alice.post("/v1/sendGroupMessage", both).problem(400, "invalid-request")["errors"]] == ["/ciphertext"]
    wrong = group_message(group_id, ciphertext=shared | {"type": "MESSAGE"})
    alice.post("/v1/sendGroupMessage", wrong).problem(400, "invalid-request")


@pytest.mark.parametrize("member", ["ciphertexts", "ciphertext"])
def test_typing_has_no_ciphertext(alice, bob, member):
    group_id = alice.create_group(bob)["groupId"]
    value = [] if member == "ciphertexts" else {"type": "SENDER_KEY", "body": "AAAA"}
    problem = alice.post("/v1/sendGroupMessage", {"groupId": group_id, "type": "TYPING", member: value}).problem(400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == [f"/{member}"]
