"""Groups as large as they may be: one send is one request, and is on every member's device or on none."""

import concurrent.futures
import itertools
import os
import signal
import threading
import time

import httpx
import pytest

from harness.crowd import add_crowd, copies, devices_of
from harness.people import new_uuid
from harness.waiting import eventually

FULL = 1024


def crowded(server, *members, devices=2):
    """A new group with those devices' users, the first as its admin, filled up to its limit; returns its id."""
    group = members[0].create_group(*members[1:])["groupId"]
    add_crowd(server.database, group, FULL - len(members), devices)
    assert members[0].group(group)["memberCount"] == FULL
    return group


@pytest.mark.parametrize("length", [5, 60_000], ids=["small", "shared"])
def test_one_send_is_on_every_device_of_a_full_group(own_server, length):
    server = own_server()
    alice, bob = server.user(), server.user()
    second = alice.another()
    group = crowded(server, alice, bob)
    bob.empty_inbox()
    with bob.hold() as poll:
        assert poll.is_held()
        sent = alice.send_group(group, "x" * length)
        assert [item["messageId"] for item in poll.inbox(5)["messages"]] == [sent]
    assert [item["direction"] for item in second.items("TEXT")] == ["out"]
    assert copies(server.database, group) == {sent: devices_of(server.database, group) - 1}
    assert bob.acknowledge([sent]) == second.acknowledge([sent]) == 1


def test_a_full_group_takes_nobody_more(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    group = crowded(server, alice)
    code = alice.invite(group)
    alice.group_call("addMember", group, bob).problem(422, "group-full")
    bob.join(code).problem(422, "group-full")
    assert alice.group(group)["revision"] == 1
    body = {"name": "too many", "memberIds": [new_uuid() for _ in range(FULL)]}
    alice.post("/v1/createGroup", body).problem(422, "group-full")


def test_every_member_of_a_full_group_is_on_one_page_or_another(own_server):
    server = own_server()
    alice = server.user()
    group = crowded(server, alice, devices=1)
    seen, after = [], ""
    while True:
        page = alice.get(f"/v1/fetchGroupMembers?groupId={group}&limit=200{after}").expect(200)
        seen += [member["userId"] for member in page["members"]]
        if not page["hasMore"]:
            break
        after = f"&after={seen[-1]}"
    assert len(seen) == len(set(seen)) == FULL
    assert seen == sorted(seen)


class Chatter:
    """Members who write to a group in threads of their own, and repeat each message until its fate is known."""

    def __init__(self, group, *senders):
        self._group, self._going = group, threading.Event()
        self.answered = {}
        self._going.set()
        self._pool = concurrent.futures.ThreadPoolExecutor(len(senders))
        self._tasks = [self._pool.submit(self._write, sender) for sender in senders]

    def _write(self, sender):
        for number in itertools.count():
            if not self._going.is_set():
                return
            # One in four is so long that it is stored once.
            content = f"{sender.user_id} {number} " + "x" * (8_000 if number % 4 == 0 else 100)
            body = {"groupId": self._group, "type": "TEXT", "content": content, "clientMessageId": new_uuid()}
            while (answer := self._attempt(sender, body)) is None:
                time.sleep(0.02)
            self.answered[content] = answer["messageId"]

    @staticmethod
    def _attempt(sender, body):
        try:
            answer = sender.post("/v1/sendGroupMessage", body)
        except httpx.TransportError:
            return None
        if answer.status == 503:
            return None
        assert answer.status in (200, 201), answer
        return answer.json

    def goes_on(self, count=10, within=40):
        """Waits until that many more messages are answered."""
        wanted = len(self.answered) + count
        eventually(lambda: len(self.answered) >= wanted or any(task.done() and task.result() for task in self._tasks), within, "messages flow")

    def finish(self, within=40):
        """Lets every message become known; returns the ids by content."""
        self._going.clear()
        for task in self._tasks:
            task.result(within)
        self._pool.shutdown()
        return self.answered


@pytest.mark.timeout(300)
def test_a_send_to_a_full_group_that_a_crash_cuts_off_is_on_all_devices_or_on_none(own_server):
    server = own_server()
    members = [server.user() for _ in range(4)]
    bob = members[-1]
    group = crowded(server, *members)
    everyone_else = devices_of(server.database, group) - 1
    bob.empty_inbox()
    chatter = Chatter(group, *members[:3])
    for _ in range(5):
        chatter.goes_on()
        server.kill()
        server.start()
        # What is there now, unknown or answered, is there wholly: nobody has acknowledged anything.
        assert set(copies(server.database, group).values()) == {everyone_else}
    chatter.goes_on()
    answered = chatter.finish()
    assert len(answered) >= 60
    # A repetition has completed what no answer came for, and doubled nothing.
    assert copies(server.database, group) == dict.fromkeys(answered.values(), everyone_else)
    received = {item["content"]: item["messageId"] for item in bob.items("TEXT")}
    assert received == answered
    outstanding = server.database.query("SELECT message_id, outstanding FROM shared_items")
    assert {int(count) for _, count in outstanding} == {everyone_else}
    assert {message for message, _ in outstanding} == {message for content, message in answered.items() if len(content) > 8_000}


@pytest.mark.timeout(300)
def test_a_database_that_crashes_under_a_full_group_leaves_whole_messages(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    group = crowded(server, alice, bob)
    everyone_else = devices_of(server.database, group) - 1
    chatter = Chatter(group, alice, bob)
    for _ in range(3):
        chatter.goes_on()
        killed = server.database.postmaster()
        os.kill(killed, signal.SIGKILL)
        eventually(lambda gone=killed: server.database.postmaster() not in (None, gone), 20, "the server starts its database again")
    chatter.goes_on()
    answered = chatter.finish()
    assert copies(server.database, group) == dict.fromkeys(answered.values(), everyone_else)


def test_the_last_places_of_a_group_are_given_away_once_each(own_server):
    server = own_server()
    alice = server.user()
    group = alice.create_group()["groupId"]
    places = 12
    add_crowd(server.database, group, FULL - 1 - places)
    code = alice.invite(group)
    joiners = [server.user() for _ in range(50)]

    def join(joiner):
        # Where fifty stand in line at once, some are asked to come back later.
        while (answer := joiner.join(code)).status == 503:
            time.sleep(0.05)
        return answer

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(join, joiners))
    assert sorted(answer.status for answer in answers) == [200] * places + [422] * (50 - places)
    assert sorted(answer.json["memberCount"] for answer in answers if answer.status == 200) == list(range(FULL - places + 1, FULL + 1))
    assert alice.group(group)["memberCount"] == FULL
    assert int(server.database.query(f"SELECT count(*) FROM group_members WHERE group_id = '{group}'")[0][0]) == FULL
    assert [revision for _, _, _, revision in alice.group_changes(group)] == list(range(2, places + 2))
