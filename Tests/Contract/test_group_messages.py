"""sendGroupMessage: to every member, wholly before or after a change, and gone after the last acknowledgement."""

import concurrent.futures

from harness.people import new_uuid


def canary():
    return "canary" + new_uuid().replace("-", "")


def test_every_other_member_gets_the_message(alice, bob, carol):
    group = alice.create_group(bob, carol)["groupId"]
    sent = alice.send_group(group, "to all")
    for device in (bob, carol):
        (message,) = device.items("TEXT")
        assert (message["messageId"], message["direction"], message["groupId"], message["content"]) == (sent, "in", group, "to all")
        assert message["from"] == {"userId": alice.user_id, "deviceId": alice.device_id}
    assert alice.texts() == []


def test_a_group_message_wakes_the_held_polls_of_all_members(server, alice):
    members = [server.user() for _ in range(10)]
    group = alice.create_group(*members)["groupId"]
    for member in members:
        member.empty_inbox()
    polls = [member.hold() for member in members]
    try:
        assert all(poll.is_held(0.1) for poll in polls)
        sent = alice.send_group(group, "wake up, all")
        for poll in polls:
            assert [item["messageId"] for item in poll.inbox(2)["messages"]] == [sent]
    finally:
        for poll in polls:
            poll.hang_up()


def test_a_removed_member_gets_nothing_later(alice, bob, carol):
    group = alice.create_group(bob, carol)["groupId"]
    alice.send_group(group, "before")
    alice.group_call("removeMember", group, carol).expect(200)
    alice.send_group(group, "after")
    assert bob.texts() == ["before", "after"]
    kinds = [item.get("change", item.get("content")) for item in carol.items()]
    assert kinds == ["created", "before", "memberRemoved"]


def test_a_new_member_gets_nothing_earlier(alice, bob, carol):
    group = alice.create_group(bob)["groupId"]
    alice.send_group(group, "before")
    alice.group_call("addMember", group, carol).expect(200)
    alice.send_group(group, "after")
    assert [item.get("change", item.get("content")) for item in carol.items()] == ["memberAdded", "after"]


def test_a_message_is_wholly_before_or_after_a_change(server, alice, bob):
    senders = [server.user() for _ in range(4)]
    for _ in range(5):
        carol = server.user()
        group = alice.create_group(bob, carol, *senders)["groupId"]

        def write(sender, group=group):
            return [sender.send_group(group, f"{number}") for number in range(8)]

        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            writing = [pool.submit(write, sender) for sender in senders]
            removal = pool.submit(alice.group_call, "removeMember", group, carol)
            removal.result().expect(200)
            sent = sorted(message for task in writing for message in task.result())
        # What Bob has in this group is the order of things; Carol has exactly what lies before her removal in it.
        of_group = [item for item in bob.items() if item["groupId"] == group]
        assert [item["messageId"] for item in of_group if item["type"] == "TEXT"] == sent
        removed = next(index for index, item in enumerate(of_group) if item.get("change") == "memberRemoved")
        before = [item["messageId"] for item in of_group[:removed] if item["type"] == "TEXT"]
        items = carol.items()
        assert [item["messageId"] for item in items if item["type"] == "TEXT"] == before
        assert items[-1]["change"] == "memberRemoved"


def test_a_small_body_is_gone_after_the_last_acknowledgement(server, alice, bob, carol):
    group = alice.create_group(bob, carol)["groupId"]
    content = canary()
    message = alice.send_group(group, content)
    for device in (bob, carol):
        assert server.database.places_of(content) != []
        device.acknowledge([message])
    assert server.database.places_of(content) == []


def test_a_large_body_is_gone_after_the_last_acknowledgement(server, alice):
    members = [server.user() for _ in range(30)]
    group = alice.create_group(*members)["groupId"]
    content = canary() + "x" * 60 * 1024
    marker = content[:38]
    message = alice.send_group(group, content)
    for member in members:
        assert member.texts() == [content]
    for member in members[:-1]:
        assert member.acknowledge([message]) == 1
    assert server.database.places_of(marker) != []
    assert members[-1].texts() == [content]
    assert members[-1].acknowledge([message]) == 1
    assert server.database.places_of(marker) == []


def test_a_large_body_is_gone_when_the_last_devices_are_removed_or_acknowledge(server, alice):
    members = [server.user() for _ in range(20)]
    group = alice.create_group(*members)["groupId"]
    content = canary() + "y" * 64 * 1000
    marker = content[:38]
    message = alice.send_group(group, content)
    for member in members[:10]:
        member.acknowledge([message])
    for member in members[10:]:
        member.post("/v1/logout").expect(204)
    assert server.database.places_of(marker) == []


def test_a_large_body_acknowledged_by_all_at_once_is_gone(server, alice):
    members = [server.user() for _ in range(24)]
    group = alice.create_group(*members)["groupId"]
    content = canary() + "z" * 60 * 1024
    message = alice.send_group(group, content)
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        assert list(pool.map(lambda member: member.acknowledge([message]), members)) == [1] * 24
    assert server.database.places_of(content[:38]) == []
