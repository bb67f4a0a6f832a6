"""getAll: with whom there were messages, and in which groups one is."""

import concurrent.futures


def overview(device):
    return device.get("/v1/getAll").expect(200)


def test_nobody_has_chats_at_first(alice):
    assert overview(alice) == {"chats": [], "groups": []}


def test_a_message_makes_a_chat_for_both(alice, bob, carol):
    alice.send(bob)
    assert [chat["userId"] for chat in overview(alice)["chats"]] == [bob.user_id]
    assert [chat["userId"] for chat in overview(bob)["chats"]] == [alice.user_id]
    assert overview(carol)["chats"] == []


def test_chats_come_latest_first_and_stay_when_all_is_acknowledged(alice, bob, carol):
    first = alice.send(bob)
    carol.send(alice)
    assert [chat["userId"] for chat in overview(alice)["chats"]] == [carol.user_id, bob.user_id]
    last = bob.send(alice)
    chats = overview(alice)["chats"]
    assert [chat["userId"] for chat in chats] == [bob.user_id, carol.user_id]
    bob.acknowledge([first])
    (item,) = [item for item in alice.items() if item["messageId"] == last]
    assert chats[0]["lastMessageAt"] == item["sentAt"]
    alice.acknowledge([item["messageId"] for item in alice.items()])
    assert overview(alice)["chats"] == chats


def test_all_devices_of_a_user_see_the_same(alice, bob):
    second = alice.another()
    alice.send(bob)
    assert overview(second) == overview(alice)


def test_all_groups_are_there_beyond_a_page(alice, bob):
    groups = [alice.create_group(bob, name=f"Group {number}")["groupId"] for number in range(3)]
    assert [group["groupId"] for group in overview(bob)["groups"]] == sorted(groups)
    assert overview(bob)["groups"] == bob.get("/v1/fetchGroups").expect(200)["groups"]
    bob.post("/v1/leaveGroup", {"groupId": groups[1]}).expect(204)
    assert [group["groupId"] for group in overview(bob)["groups"]] == sorted([groups[0], groups[2]])
    assert overview(bob)["chats"] == [], "a group is no chat"


def test_concurrent_messages_leave_the_latest(alice, bob):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sends = [pool.submit(sender.send, recipient) for sender, recipient in [(alice, bob), (bob, alice)] * 10]
        ids = [send.result() for send in sends]
    times = {item["messageId"]: item["sentAt"] for device in (alice, bob) for item in device.items("TEXT")}
    assert overview(alice)["chats"][0]["lastMessageAt"] == overview(bob)["chats"][0]["lastMessageAt"] == times[max(ids)]


def test_a_parameter_is_unknown(alice):
    alice.get("/v1/getAll?limit=5").problem(400, "unknown-parameter")
