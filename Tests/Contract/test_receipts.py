"""Delivered and read: what the sender is told, once and durably."""

import concurrent.futures

from harness.people import new_uuid


def receipts(device):
    """(status, from, messageIds) of every receipt in the inbox."""
    return [(item["status"], item["from"]["userId"], sorted(item["messageIds"])) for item in device.items("RECEIPT")]


def read(device, sender, ids):
    return device.post("/v1/markRead", {"senderId": sender.user_id, "messageIds": list(ids)})


# Delivered


def test_an_acknowledgement_tells_the_sender(alice, bob):
    message = alice.send(bob)
    assert receipts(alice) == []
    bob.acknowledge([message])
    assert receipts(alice) == [("delivered", bob.user_id, [message])]


def test_a_receipt_wakes_a_held_poll(alice, bob):
    message = alice.send(bob)
    with alice.hold() as poll:
        assert poll.is_held()
        bob.acknowledge([message])
        (receipt,) = poll.inbox(1)["messages"]
    assert (receipt["type"], receipt["status"], receipt["messageIds"]) == ("RECEIPT", "delivered", [message])


def test_acknowledging_by_fetching_tells_the_sender_as_well(alice, bob):
    message = alice.send(bob)
    bob.post("/v1/fetchMessages", {"acknowledge": [message]}).expect(200)
    assert receipts(alice) == [("delivered", bob.user_id, [message])]


def test_what_one_request_acknowledges_of_one_sender_is_one_receipt(alice, bob, carol):
    of_alice = sorted(alice.send(bob) for _ in range(5))
    of_carol = sorted(carol.send(bob) for _ in range(3))
    assert bob.acknowledge(of_alice + of_carol) == 8
    assert receipts(alice) == [("delivered", bob.user_id, of_alice)]
    assert receipts(carol) == [("delivered", bob.user_id, of_carol)]


def test_only_the_first_device_of_the_recipient_causes_a_receipt(alice, bob):
    second = bob.another()
    message = alice.send(bob)
    second.acknowledge([message])
    bob.acknowledge([message])
    bob.acknowledge([message])
    assert receipts(alice) == [("delivered", bob.user_id, [message])]


def test_two_devices_that_acknowledge_at_once_cause_one_receipt(alice, bob):
    second = bob.another()
    for _ in range(10):
        message = alice.send(bob)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            assert list(pool.map(lambda device, sent=message: device.acknowledge([sent]), (bob, second))) == [1, 1]
        assert receipts(alice) == [("delivered", bob.user_id, [message])]
        alice.empty_inbox()


def test_every_device_of_the_sender_gets_the_receipt(alice, bob):
    second = alice.another()
    message = alice.send(bob)
    bob.acknowledge([message])
    assert receipts(alice) == receipts(second) == [("delivered", bob.user_id, [message])]


def test_a_receipt_is_served_until_it_is_acknowledged_and_causes_none(alice, bob):
    message = alice.send(bob)
    bob.acknowledge([message])
    (receipt,) = alice.items("RECEIPT")
    assert alice.items("RECEIPT") == [receipt]
    assert alice.acknowledge([receipt["messageId"]]) == 1
    assert alice.items() == bob.items() == []


def test_in_a_group_every_member_is_told_of_once(alice, bob, carol):
    group = alice.create_group(bob, carol)["groupId"]
    message = alice.send_group(group)
    bob.acknowledge([message])
    carol.acknowledge([message])
    assert receipts(alice) == [("delivered", bob.user_id, [message]), ("delivered", carol.user_id, [message])]
    assert receipts(bob) == receipts(carol) == []


# Read


def test_reading_tells_the_sender_and_acknowledges_nothing(alice, bob):
    message = alice.send(bob, "read me")
    answer = read(bob, alice, [message])
    answer.expect(204)
    assert answer.body == b""
    assert receipts(alice) == [("read", bob.user_id, [message])]
    assert bob.texts() == ["read me"]


def test_reading_what_was_acknowledged_tells_the_sender(alice, bob):
    messages = sorted(alice.send(bob) for _ in range(3))
    bob.acknowledge(messages)
    read(bob, alice, messages).expect(204)
    assert receipts(alice) == [("delivered", bob.user_id, messages), ("read", bob.user_id, messages)]


def test_a_read_receipt_wakes_a_held_poll(alice, bob):
    message = alice.send(bob)
    with alice.hold() as poll:
        assert poll.is_held()
        read(bob, alice, [message]).expect(204)
        assert poll.inbox(1)["messages"][0]["status"] == "read"


def test_who_keeps_reading_private_tells_of_delivery_only(alice, bob):
    bob.post("/v1/updateUser", {"privacy": {"readReceipts": False}}).expect(200)
    message = alice.send(bob)
    bob.acknowledge([message])
    read(bob, alice, [message]).expect(204)
    assert receipts(alice) == [("delivered", bob.user_id, [message])]


def test_reading_of_a_stranger_or_of_nobody_is_not_found(alice, bob):
    read(bob, alice, [new_uuid()]).problem(404, "not-found")
    bob.post("/v1/markRead", {"senderId": new_uuid(), "messageIds": [new_uuid()]}).problem(404, "not-found")
    assert receipts(alice) == []


def test_reading_works_where_two_share_only_a_group(alice, bob):
    group = alice.create_group(bob)["groupId"]
    message = alice.send_group(group)
    read(bob, alice, [message]).expect(204)
    assert receipts(alice) == [("read", bob.user_id, [message])]
