"""Stories: what people do with their telephones from the first day to the last, across all features."""

import hashlib

from harness.people import log_in, new_uuid

PICTURE = b"\xff\xd8\xff the harbour at six in the morning " * 400


def share_picture(device, content=PICTURE):
    answer = device.client.call("POST", "/v1/uploadMedia", device.token, content=content, headers={"Content-Type": "image/jpeg"})
    return answer.expect(201)["mediaId"]


def picture(device, media_id):
    return device.client.call("GET", f"/v1/downloadMedia?mediaId={media_id}", device.token)


def receipts(device):
    return [(item["status"], item["messageIds"], item["from"]["userId"]) for item in device.items("RECEIPT")]


def chats(device):
    overview = device.get("/v1/getAll").expect(200)
    return [chat["userId"] for chat in overview["chats"]], [group["groupId"] for group in overview["groups"]]


def test_two_people_meet_talk_and_part(server):
    alice, bob = server.user("Alice"), server.user("Bob")
    found = alice.post("/v1/lookupUsers", {"mobileNumbers": [bob.number]}).expect(200)["users"]
    assert found == [{"mobileNumber": bob.number, "userId": bob.user_id, "name": "Bob"}]

    # A first message to a telephone that waits for it, and what comes back.
    with bob.hold() as poll:
        assert poll.is_held()
        hello = alice.send(bob, "Hello Bob")
        (message,) = poll.inbox(2)["messages"]
    assert (message["messageId"], message["content"], message["from"]["userId"]) == (hello, "Hello Bob", alice.user_id)
    assert bob.acknowledge([hello]) == 1
    bob.post("/v1/markRead", {"senderId": alice.user_id, "messageIds": [hello]}).expect(204)
    assert receipts(alice) == [("delivered", [hello], bob.user_id), ("read", [hello], bob.user_id)]
    alice.empty_inbox()

    # Bob answers with a picture, Alice reacts to it; her tablet, logged in meanwhile, has its own copy of what comes after.
    media = share_picture(bob)
    picture(alice, media).problem(404, "unknown-media")
    shown = bob.send(alice, "", type="IMAGE", media={"mediaId": media, "caption": "This morning"}, replyTo=hello)
    (item,) = alice.items("IMAGE")
    assert (item["messageId"], item["replyTo"], item["media"]) == (shown, hello, {"mediaId": media, "caption": "This morning"})
    assert hashlib.sha256(picture(alice, media).body).digest() == hashlib.sha256(PICTURE).digest()
    tablet = log_in(alice.client, alice.number, "tablet")
    assert tablet.items() == []
    liked = alice.send(bob, "+1", type="REACTION", replyTo=shown)
    for device, direction in ((bob, "in"), (tablet, "out")):
        (reaction,) = device.items("REACTION")
        assert (reaction["messageId"], reaction["replyTo"], reaction["direction"]) == (liked, shown, direction)
    assert chats(alice) == chats(tablet) == ([bob.user_id], [])

    # They part: what Alice writes is taken and reaches nobody, she cannot take Bob into a group; and make up.
    for device in (alice, bob, alice):
        device.empty_inbox()
    bob.post("/v1/blockUser", {"userId": alice.user_id}).expect(204)
    unheard = alice.send(bob, "Are you there?")
    assert bob.items() == [] and alice.items() == []
    assert [item["messageId"] for item in tablet.items("TEXT")] == [unheard]
    alice.post("/v1/createGroup", {"name": "ours", "memberIds": [bob.user_id]}).problem(403, "may-not-add")
    assert alice.get(f"/v1/getUser?userId={bob.user_id}").expect(200)["name"] == "Bob"
    bob.post("/v1/unblockUser", {"userId": alice.user_id}).expect(204)
    group = alice.create_group(bob, name="ours")["groupId"]
    alice.send_group(group, "Here we are")
    assert bob.texts()[-1] == "Here we are"
    assert chats(bob) == ([alice.user_id], [group])


def test_a_group_from_its_first_day_to_its_last(server):
    alice, bob, carol, dave = (server.user(name) for name in ("Alice", "Bob", "Carol", "Dave"))
    group = alice.create_group(bob, name="Choir")["groupId"]
    alice.group_call("updateGroup", group, profileStatus="We sing").expect(200)

    # Carol comes by the invite, Dave is added; each sees what is sent from then on.
    carol.join(alice.invite(group)).expect(200)
    media = share_picture(alice, PICTURE + b"score")
    score = alice.send_group(group, "The score", type="DOCUMENT", media={"mediaId": media})
    alice.group_call("addMember", group, dave).expect(200)
    assert [item["messageId"] for item in carol.items("DOCUMENT")] == [score]
    assert dave.items("DOCUMENT") == []
    assert picture(carol, media).status == 200
    picture(dave, media).problem(404, "unknown-media")
    carol.acknowledge([score])
    carol.post("/v1/markRead", {"senderId": alice.user_id, "messageIds": [score]}).expect(204)
    assert [receipt for receipt in receipts(alice) if receipt[2] == carol.user_id] == [
        ("delivered", [score], carol.user_id),
        ("read", [score], carol.user_id),
    ]

    # Carol forwards the score to Dave, with no second upload.
    carol.send(dave, "", type="DOCUMENT", media={"mediaId": media}, forwarded=True)
    (forwarded,) = dave.items("DOCUMENT")
    assert forwarded["forwarded"] is True
    assert picture(dave, media).status == 200

    # Bob becomes admin and removes Dave, who hears of it and of nothing else; the chat with Carol stays his.
    alice.set_admin(group, bob).expect(200)
    bob.group_call("removeMember", group, dave).expect(200)
    alice.send_group(group, "Dave has left us")
    assert [change for change, *_ in dave.group_changes(group)] == ["memberAdded", "adminChanged", "memberRemoved"]
    assert dave.texts() == []
    assert chats(dave) == ([carol.user_id], [])

    # A block does not reach into a group that the two share.
    carol.post("/v1/blockUser", {"userId": bob.user_id}).expect(204)
    bob.send_group(group, "Rehearsal at eight")
    assert carol.texts() == ["Dave has left us", "Rehearsal at eight"]

    # Alice deletes her account: the others are told, and what she sent and nobody has fetched is gone.
    unread = alice.send_group(group, "Forget me")
    carol.empty_inbox()
    bob.items()
    alice.post("/v1/deleteAccount").expect(204)
    assert unread not in [item["messageId"] for item in bob.items("TEXT")]
    assert ("memberLeft", alice.user_id, alice.user_id) in [change[:3] for change in carol.group_changes(group)]
    assert set(bob.members(group)) == {bob.user_id, carol.user_id}
    bob.get(f"/v1/getUser?userId={alice.user_id}").problem(404, "not-found")

    # The last admin leaves to Carol, who turns off the light.
    bob.group_call("leaveGroup", group).expect(204)
    assert carol.members(group)[carol.user_id]["isAdmin"] is True
    carol.group_call("leaveGroup", group).expect(204)
    assert chats(carol)[1] == []
    body = {"groupId": group, "type": "TEXT", "content": "Anybody?", "clientMessageId": new_uuid()}
    carol.post("/v1/sendGroupMessage", body).problem(404, "not-found")
    revisions = [revision for *_, revision in bob.group_changes(group)]
    assert revisions == sorted(set(revisions))
