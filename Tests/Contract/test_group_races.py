"""Changes of a group that meet each other, or messages: each is wholly before or wholly after the other, on one node and on two."""

import collections
import concurrent.futures
import itertools

import pytest

from harness.people import Device
from harness.server import Server


@pytest.fixture(scope="module", params=[1, 2], ids=["one node", "two nodes"])
def nodes(request, checker):
    """One node, or two on one database."""
    shared = {"RESTANTE_SERVER_SECRET": "the same on every node of the fleet", "RESTANTE_WAKE_BUS": "database"}
    made = [Server(checker, shared)]
    try:
        made[0].start()
        while len(made) < request.param:
            made.append(Server(checker, shared | {"RESTANTE_DATABASE_URL": made[0].database.conninfo()}))
            made[-1].start()
        yield made
        # The one whose database goes with it is the last to go.
        for node in reversed(made):
            node.terminate()
    finally:
        for node in reversed(made):
            node.discard()


def spread(devices, nodes):
    """The same devices, talking to all nodes in turn."""
    return [Device(node.client, device.number, device.session) for device, node in zip(devices, itertools.cycle(nodes))]


def at_once(*calls):
    """Makes all these calls at the same time, and returns their answers in the same order."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [task.result() for task in [pool.submit(call) for call in calls]]


def statuses(answers):
    return collections.Counter(answer.status for answer in answers)


def assert_sound(device, group_id):
    """The group's count is that of its members, it has an admin, and its revisions have risen by one."""
    group, members = device.group(group_id), device.members(group_id)
    assert group["memberCount"] == len(members)
    assert any(member["isAdmin"] for member in members.values())
    return group, members


def test_nothing_of_a_hundred_senders_reaches_who_was_removed(nodes):
    alice, bob, carol, *senders = (nodes[0].user() for _ in range(103))
    group = alice.create_group(bob, carol, *senders)["groupId"]
    first = {sender.send_group(group, "before") for sender in senders[:5]}
    writers = spread(senders, nodes)
    with concurrent.futures.ThreadPoolExecutor(101) as pool:
        writing = [pool.submit(lambda w=writer: [w.send_group(group, "during") for _ in range(3)]) for writer in writers]
        # Some are done, some are under way and some have not begun.
        next(concurrent.futures.as_completed(writing))
        alice.group_call("removeMember", group, carol).expect(200)
        last = {writer.send_group(group, "after") for writer in writers[:5]}
        during = {message for task in writing for message in task.result()}
    at_carol = [item for item in carol.items() if item["groupId"] == group]
    assert at_carol[-1]["change"] == "memberRemoved"
    received = {item["messageId"] for item in at_carol if item["type"] == "TEXT"}
    assert first <= received <= first | during
    assert not received & last
    # Who stayed has all, and has them in an order in which Carol's end where her removal is.
    of_bob = [item for item in bob.items() if item["groupId"] == group]
    assert {item["messageId"] for item in of_bob if item["type"] == "TEXT"} == first | during | last
    if len(nodes) == 1:
        removed = next(index for index, item in enumerate(of_bob) if item.get("change") == "memberRemoved")
        assert [item["messageId"] for item in of_bob[:removed] if item["type"] == "TEXT"] == sorted(received)


def test_overlapping_changes_have_one_revision_each(nodes):
    alice, bob = nodes[0].user(), nodes[0].user()
    others = [nodes[0].user() for _ in range(8)]
    group = alice.create_group(bob)["groupId"]
    alice.set_admin(group, bob).expect(200)
    bob.empty_inbox()
    watcher = alice.another()
    admins = spread([alice, bob] * 4, nodes)
    answers = at_once(
        *(lambda admin=admin, other=other: admin.group_call("addMember", group, other) for admin, other in zip(admins, others)),
        *(lambda admin=admin, name=name: admin.group_call("updateGroup", group, name=f"name {name}") for name, admin in enumerate(admins)),
    )
    assert statuses(answers) == {200: 16}
    assert sorted(answer.json["revision"] for answer in answers) == list(range(3, 19))
    assert sorted(revision for *_, revision in watcher.group_changes(group)) == list(range(3, 19))
    assert assert_sound(alice, group)[0]["revision"] == 18


def test_one_user_is_added_once(nodes):
    alice, bob = nodes[0].user(), nodes[0].user()
    group = alice.create_group()["groupId"]
    code = alice.invite(group)
    answers = at_once(
        *(lambda admin=admin: admin.group_call("addMember", group, bob) for admin in spread([alice] * 4, nodes)),
        *(lambda joiner=joiner: joiner.join(code) for joiner in spread([bob] * 4, nodes)),
    )
    assert statuses(answers) == {200: 1, 409: 7}
    assert assert_sound(alice, group)[0]["revision"] == 2


def test_one_member_is_removed_once(nodes):
    alice, bob = nodes[0].user(), nodes[0].user()
    group = alice.create_group(bob)["groupId"]
    leaver = spread([bob, bob], nodes)[1]
    answers = at_once(
        *(lambda admin=admin: admin.group_call("removeMember", group, bob) for admin in spread([alice] * 4, nodes)),
        lambda: leaver.group_call("leaveGroup", group),
    )
    assert statuses(answers)[404] == 4
    assert assert_sound(alice, group)[0]["revision"] == 2


def test_two_admins_who_demote_each_other_leave_one(nodes):
    alice, bob = nodes[0].user(), nodes[0].user()
    for _ in range(5):
        group = alice.create_group(bob)["groupId"]
        alice.set_admin(group, bob).expect(200)
        first, second = spread([alice, bob], nodes)
        answers = at_once(lambda: first.set_admin(group, bob, False), lambda: second.set_admin(group, alice, False))
        assert statuses(answers) == {200: 1, 403: 1}
        assert_sound(alice, group)


def test_all_admins_who_leave_at_once_leave_an_admin(nodes):
    members = [nodes[0].user() for _ in range(6)]
    group = members[0].create_group(*members[1:])["groupId"]
    for other in members[1:4]:
        members[0].set_admin(group, other).expect(200)
    answers = at_once(*(lambda admin=admin: admin.group_call("leaveGroup", group) for admin in spread(members[:4], nodes)))
    assert statuses(answers) == {204: 4}
    _, left = assert_sound(members[4], group)
    assert {user: member["isAdmin"] for user, member in left.items()} == {members[4].user_id: True, members[5].user_id: False}


def test_everybody_who_leaves_at_once_deletes_the_group(nodes):
    members = [nodes[0].user() for _ in range(6)]
    group = members[0].create_group(*members[1:])["groupId"]
    code = members[0].invite(group)
    answers = at_once(*(lambda member=member: member.group_call("leaveGroup", group) for member in spread(members, nodes)))
    assert statuses(answers) == {204: 6}
    assert nodes[0].database.query(f"SELECT count(*) FROM groups WHERE group_id = '{group}'") == [["0"]]
    members[1].join(code).problem(404, "not-found")


def test_a_join_meets_the_last_members_leaving(nodes):
    for _ in range(8):
        alice, bob = nodes[0].user(), nodes[0].user()
        group = alice.create_group()["groupId"]
        code = alice.invite(group)
        joiner = spread([bob, bob], nodes)[1]
        left, joined = at_once(lambda: alice.group_call("leaveGroup", group), lambda: joiner.join(code))
        left.expect(204)
        assert joined.status in (200, 404)
        if joined.status == 200:
            _, members = assert_sound(bob, group)
            assert members[bob.user_id]["isAdmin"]
        else:
            assert bob.group(group) is None


def test_a_join_is_wholly_before_or_after_the_end_of_its_invite(nodes):
    for _ in range(8):
        alice, bob = nodes[0].user(), nodes[0].user()
        group = alice.create_group()["groupId"]
        code = alice.invite(group)
        joiner = spread([bob, bob], nodes)[1]
        revoked, joined = at_once(lambda: alice.group_call("revokeInvite", group), lambda: joiner.join(code))
        revoked.expect(204)
        assert joined.status in (200, 404)
        _, members = assert_sound(alice, group)
        assert (bob.user_id in members) == (joined.status == 200)
        nodes[-1].user().join(code).problem(404, "not-found")


def test_a_change_wakes_the_members_polls_on_every_node(nodes):
    alice, bob, carol = (nodes[0].user() for _ in range(3))
    group = alice.create_group(bob)["groupId"]
    bob.empty_inbox()
    here, there = spread([bob, carol], nodes)
    with here.hold() as poll, there.hold() as joining:
        assert poll.is_held()
        assert joining.is_held(0.1)
        alice.group_call("addMember", group, carol).expect(200)
        # Sooner than a poll looks by itself.
        for held in (poll, joining):
            assert held.inbox(6)["messages"][0]["change"] == "memberAdded"
