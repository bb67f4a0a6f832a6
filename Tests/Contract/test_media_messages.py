"""Media in messages: who gets to see it, and how long it stays."""

import pytest
from harness.people import new_uuid
from harness.waiting import eventually
from test_media import PICTURE, download, uploaded


def body(media_id, **members):
    return {"type": "IMAGE", "clientMessageId": new_uuid(), "media": {"mediaId": media_id, "caption": "The harbour"}, **members}


def send(sender, recipient, media_id, **members):
    return sender.post("/v1/sendMessage", body(media_id, to=recipient.user_id, **members))


def test_who_was_sent_it_sees_it_and_nobody_else(alice, bob, carol):
    media = uploaded(alice)["mediaId"]
    download(bob, media).problem(404, "unknown-media")
    send(alice, bob, media).expect(201)
    (item,) = bob.items("IMAGE")
    assert item["media"] == {"mediaId": media, "caption": "The harbour"}
    assert item["content"] == ""
    assert download(bob, media).body == PICTURE
    assert download(bob.another(), media).body == PICTURE
    download(carol, media).problem(404, "unknown-media")


def test_it_is_forwarded_without_another_upload(alice, bob, carol):
    media = uploaded(alice)["mediaId"]
    send(carol, bob, media).problem(404, "unknown-media")
    send(alice, bob, media).expect(201)
    bob.acknowledge(item["messageId"] for item in bob.items())
    send(bob, carol, media, forwarded=True).expect(201)
    (item,) = carol.items("IMAGE")
    assert item["forwarded"] is True
    assert download(carol, media).body == PICTURE


def test_the_members_of_a_group_see_it_as_they_were(alice, bob, carol):
    group = alice.create_group(bob)["groupId"]
    media = uploaded(alice)["mediaId"]
    sent = body(media, groupId=group)
    carol.post("/v1/sendGroupMessage", sent).problem(404, "unknown-media")
    alice.post("/v1/sendGroupMessage", sent).expect(201)
    alice.group_call("addMember", group, carol).expect(200)
    assert download(bob, media).body == PICTURE
    download(carol, media).problem(404, "unknown-media")
    alice.group_call("removeMember", group, bob).expect(200)
    assert download(bob, media).body == PICTURE, "he was sent it"


def test_a_send_that_fails_shows_nobody_anything(alice, bob):
    media = uploaded(alice)["mediaId"]
    alice.post("/v1/sendMessage", body(media, to=new_uuid())).problem(404, "unknown-recipient")
    foreign = bob.create_group()["groupId"]
    alice.post("/v1/sendGroupMessage", body(media, groupId=foreign)).problem(404, "not-found")
    download(bob, media).problem(404, "unknown-media")


def test_the_same_send_again_is_replayed(alice, bob):
    media = uploaded(alice)["mediaId"]
    sent = body(media, to=bob.user_id)
    first = alice.post("/v1/sendMessage", sent).expect(201)
    again = alice.post("/v1/sendMessage", sent)
    assert again.expect(200) == first
    other = {**sent, "media": {"mediaId": media}}
    alice.post("/v1/sendMessage", other).problem(422, "client-message-id-reused")
    assert len(bob.items("IMAGE")) == 1


@pytest.mark.parametrize("kind", ["waiting", "acknowledged"])
def test_media_lives_as_long_as_its_message_waits_and_a_day_more(own_server, kind):
    server = own_server()
    alice, bob = server.user("Alice"), server.user("Bob")
    media, unused = uploaded(alice)["mediaId"], uploaded(alice)["mediaId"]
    message = send(alice, bob, media).expect(201)["messageId"]
    if kind == "acknowledged":
        bob.acknowledge([message])
    assert download(bob, media).body == PICTURE
    server.database.query("UPDATE media SET used_at = now() - interval '25 hours', wanted_at = now() - interval '25 hours'")
    # What is swept is swept at the start.
    server.terminate()
    server.start()
    eventually(lambda: download(alice, unused).status == 404, 30, "the sweep has been there")
    if kind == "waiting":
        assert download(bob, media).body == PICTURE
    else:
        eventually(lambda: download(bob, media).status == 404, 30, "the media is gone")
        send(alice, bob, media).problem(404, "unknown-media")
