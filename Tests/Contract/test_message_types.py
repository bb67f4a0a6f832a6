"""What a message can be, and what it can carry."""

import pytest
from harness.people import new_uuid

TYPES = ["TEXT", "IMAGE", "VIDEO", "AUDIO", "VOICE", "DOCUMENT", "LOCATION", "CONTACT", "REACTION"]


def body(to, **members):
    return {"to": to.user_id, "type": "TEXT", "content": "Hello", "clientMessageId": new_uuid(), **members}


@pytest.mark.parametrize("message_type", TYPES)
def test_every_type_arrives_as_it_was_sent(alice, bob, message_type):
    replied = new_uuid()
    sent = body(bob, type=message_type, content="{\"lat\":1}", replyTo=replied, forwarded=True, expiresIn=3600)
    alice.post("/v1/sendMessage", sent).expect(201)
    (item,) = bob.items(message_type)
    assert item["content"] == sent["content"]
    assert (item["replyTo"], item["forwarded"], item["expiresIn"]) == (replied, True, 3600)
    assert item["direction"] == "in" and "to" not in item


def test_every_type_goes_to_groups(alice, bob):
    group = alice.create_group(bob)["groupId"]
    for message_type in TYPES:
        sent = {"groupId": group, "type": message_type, "content": "x", "clientMessageId": new_uuid()}
        alice.post("/v1/sendGroupMessage", sent).expect(201)
    assert [item["type"] for item in bob.items() if item["type"] != "GROUP"] == TYPES


def test_a_type_that_is_not_known_is_named(alice, bob):
    problem = alice.post("/v1/sendMessage", body(bob, type="STICKER")).problem(400, "invalid-request")
    assert problem["errors"][0]["pointer"] == "/type"


def test_media_that_the_sender_cannot_see_is_unknown(alice, bob):
    sent = body(bob, type="IMAGE", media={"mediaId": new_uuid(), "caption": "The harbour"})
    alice.post("/v1/sendMessage", sent).problem(404, "unknown-media")
    assert bob.items() == []


def test_a_message_needs_content_or_media(alice, bob):
    sent = body(bob, type="IMAGE")
    del sent["content"]
    problem = alice.post("/v1/sendMessage", sent).problem(400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["/content"]


@pytest.mark.parametrize(
    "media, pointer",
    [
        ({}, "/media/mediaId"),
        ({"mediaId": "x"}, "/media/mediaId"),
        ({"mediaId": "0198c0e4-1c2d-7e3f-8a4b-5c6d7e8f9a0b", "caption": "x" * 1025}, "/media/caption"),
        ("0198c0e4-1c2d-7e3f-8a4b-5c6d7e8f9a0b", "/media"),
    ],
)
def test_media_is_checked_member_by_member(alice, bob, media, pointer):
    problem = alice.post("/v1/sendMessage", body(bob, media=media)).problem(400, "invalid-request")
    assert problem["errors"][0]["pointer"] == pointer


def test_an_unknown_member_of_media_is_found(alice, bob):
    media = {"mediaId": new_uuid(), "captoin": "x"}
    problem = alice.post("/v1/sendMessage", body(bob, media=media)).problem(400, "unknown-parameter")
    assert problem["didYouMean"] == "caption"


@pytest.mark.parametrize("seconds", [59, 2592001, 60.5, "60"])
def test_expires_in_is_a_minute_to_thirty_days(alice, bob, seconds):
    problem = alice.post("/v1/sendMessage", body(bob, expiresIn=seconds)).problem(400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["/expiresIn"]


@pytest.mark.parametrize("changed", [{"expiresIn": 60}, {"type": "VOICE"}, {"replyTo": new_uuid()}])
def test_the_same_id_with_something_else_is_reused(alice, bob, changed):
    sent = body(bob)
    alice.post("/v1/sendMessage", sent).expect(201)
    alice.post("/v1/sendMessage", {**sent, **changed}).problem(422, "client-message-id-reused")
    assert alice.post("/v1/sendMessage", sent).headers["idempotency-replayed"] == "true"
