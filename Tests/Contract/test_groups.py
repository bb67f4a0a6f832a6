"""Groups: who may do what, and what the members are told."""

import pytest

from harness.people import new_uuid


def changes(device):
    """(change, userId, by) of every GROUP item in the inbox."""
    return [(item["change"], item.get("userId"), item["by"]) for item in device.items("GROUP")]


# createGroup


def test_a_new_group_has_its_members_and_its_creator_as_admin(alice, bob, carol):
    body = {"name": "Choir", "profileStatus": "We sing", "memberIds": [bob.user_id, carol.user_id]}
    group = alice.post("/v1/createGroup", body).expect(201)
    assert (group["name"], group["profileStatus"], group["createdBy"], group["memberCount"]) == ("Choir", "We sing", alice.user_id, 3)
    members = alice.members(group["groupId"])
    assert {user: member["isAdmin"] for user, member in members.items()} == {alice.user_id: True, bob.user_id: False, carol.user_id: False}


def test_a_group_may_have_its_creator_alone(alice):
    group = alice.create_group()
    assert group["memberCount"] == 1
    assert "profileStatus" not in group
    assert set(alice.members(group["groupId"])) == {alice.user_id}


def test_creating_tells_all_members_but_the_device_that_did_it(alice, bob):
    second = alice.another()
    group = alice.create_group(bob)
    for device in (bob, second):
        (item,) = device.items("GROUP")
        assert (item["groupId"], item["change"], item["by"], item["revision"]) == (group["groupId"], "created", alice.user_id, group["revision"])
        assert "userId" not in item
    assert alice.items() == []


def test_no_group_is_made_with_somebody_unknown(alice, bob):
    alice.post("/v1/createGroup", {"name": "ghosts", "memberIds": [bob.user_id, new_uuid()]}).problem(404, "not-found")
    assert alice.get("/v1/fetchGroups").expect(200)["groups"] == []
    assert bob.items() == []


# addMember, removeMember, leaveGroup


def test_an_admin_adds_a_member_and_everyone_is_told(alice, bob, carol):
    group = alice.create_group(bob)
    bob.empty_inbox()
    changed = alice.group_call("addMember", group["groupId"], carol).expect(200)
    assert (changed["memberCount"], changed["revision"] > group["revision"]) == (3, True)
    expected = [("memberAdded", carol.user_id, alice.user_id)]
    assert changes(bob) == changes(carol) == expected
    assert changes(alice) == []
    assert bob.items("GROUP")[0]["revision"] == changed["revision"]


def test_an_admin_removes_a_member_and_everyone_is_told(alice, bob, carol):
    group = alice.create_group(bob, carol)
    for device in (bob, carol):
        device.empty_inbox()
    changed = alice.group_call("removeMember", group["groupId"], carol).expect(200)
    assert (changed["memberCount"], changed["revision"] > group["revision"]) == (2, True)
    expected = [("memberRemoved", carol.user_id, alice.user_id)]
    assert changes(bob) == changes(carol) == expected
    assert changes(alice) == []


def test_a_change_wakes_a_held_poll(alice, bob, carol):
    group = alice.create_group(bob)
    with carol.hold() as poll:
        assert poll.is_held()
        alice.group_call("addMember", group["groupId"], carol).expect(200)
        assert poll.inbox(1)["messages"][0]["change"] == "memberAdded"


def test_who_is_a_member_already_is_not_added_again(alice, bob):
    group = alice.create_group(bob)
    alice.group_call("addMember", group["groupId"], bob).problem(409, "already-a-member")
    assert len(alice.members(group["groupId"])) == 2


def test_who_is_no_member_cannot_be_removed(alice, bob, carol):
    group = alice.create_group(bob)
    alice.group_call("removeMember", group["groupId"], carol).problem(404, "not-found")


def test_somebody_unknown_cannot_be_added(alice):
    group = alice.create_group()
    alice.group_call("addMember", group["groupId"], new_uuid()).problem(404, "not-found")


@pytest.mark.parametrize("operation", ["addMember", "removeMember"])
def test_a_member_who_is_no_admin_changes_nothing(alice, bob, carol, operation):
    group = alice.create_group(bob)
    bob.group_call(operation, group["groupId"], carol if operation == "addMember" else alice).problem(403, "not-an-admin")
    assert set(alice.members(group["groupId"])) == {alice.user_id, bob.user_id}


def test_every_operation_is_not_found_for_who_is_no_member(alice, bob, carol):
    group = alice.create_group(bob)["groupId"]
    for operation, member in (("addMember", carol), ("addMember", bob), ("removeMember", bob), ("leaveGroup", None)):
        carol.group_call(operation, group, member).problem(404, "not-found")
    carol.set_admin(group, carol).problem(404, "not-found")
    for operation in ("updateGroup", "createInvite", "revokeInvite"):
        carol.group_call(operation, group).problem(404, "not-found")
    carol.get(f"/v1/fetchGroupMembers?groupId={group}").problem(404, "not-found")
    body = {"groupId": group, "type": "TEXT", "content": "let me in", "clientMessageId": new_uuid()}
    carol.post("/v1/sendGroupMessage", body).problem(404, "not-found")
    carol.post("/v1/sendGroupMessage", {"groupId": group, "type": "TYPING"}).problem(404, "not-found")
    assert carol.get("/v1/fetchGroups").expect(200)["groups"] == []
    assert set(alice.members(group)) == {alice.user_id, bob.user_id}
    assert bob.texts() == []


def test_who_was_removed_is_no_member_any_more(alice, bob):
    group = alice.create_group(bob)["groupId"]
    alice.group_call("removeMember", group, bob).expect(200)
    bob.group_call("leaveGroup", group).problem(404, "not-found")
    bob.get(f"/v1/fetchGroupMembers?groupId={group}").problem(404, "not-found")
    body = {"groupId": group, "type": "TEXT", "content": "still here", "clientMessageId": new_uuid()}
    bob.post("/v1/sendGroupMessage", body).problem(404, "not-found")


def test_an_admin_who_removes_themselves_leaves(alice, bob):
    group = alice.create_group(bob)
    bob.empty_inbox()
    left = alice.group_call("removeMember", group["groupId"], alice).expect(200)
    assert (left["memberCount"], left["revision"]) == (1, 3)
    assert bob.group_changes(group["groupId"]) == [
        ("memberLeft", alice.user_id, alice.user_id, 2),
        ("adminChanged", bob.user_id, alice.user_id, 3),
    ]
    alone = bob.group_call("removeMember", group["groupId"], bob).expect(200)
    assert alone["memberCount"] == 0
    assert bob.group(group["groupId"]) is None


def test_leaving_tells_the_others_and_ones_own_other_devices(alice, bob):
    second = bob.another()
    group = alice.create_group(bob)["groupId"]
    for device in (alice, bob, second):
        device.empty_inbox()
    answer = bob.group_call("leaveGroup", group)
    answer.expect(204)
    assert changes(alice) == changes(second) == [("memberLeft", bob.user_id, bob.user_id)]
    assert changes(bob) == []
    assert set(alice.members(group)) == {alice.user_id}


def test_the_leaving_of_the_last_admin_makes_the_longest_standing_member_admin(alice, bob, carol):
    group = alice.create_group(bob)["groupId"]
    alice.group_call("addMember", group, carol).expect(200)
    for device in (bob, carol):
        device.empty_inbox()
    alice.group_call("leaveGroup", group).expect(204)
    assert {user: member["isAdmin"] for user, member in bob.members(group).items()} == {bob.user_id: True, carol.user_id: False}
    for device in (bob, carol):
        told = {(change, user) for change, user, _ in changes(device)}
        assert told == {("memberLeft", alice.user_id), ("adminChanged", bob.user_id)}
    bob.group_call("removeMember", group, carol).expect(200)


def test_the_leaving_of_the_last_member_deletes_the_group_and_its_invite(alice, bob):
    group = alice.create_group()["groupId"]
    code = alice.invite(group)
    alice.group_call("leaveGroup", group).expect(204)
    bob.join(code).problem(404, "not-found")
    alice.get(f"/v1/fetchGroupMembers?groupId={group}").problem(404, "not-found")
    assert alice.get("/v1/fetchGroups").expect(200)["groups"] == []


def test_every_change_raises_the_revision(alice, bob, carol):
    group = alice.create_group(bob)
    revisions = [group["revision"]]
    for operation, member in (("addMember", carol), ("removeMember", carol), ("addMember", carol)):
        revisions.append(alice.group_call(operation, group["groupId"], member).expect(200)["revision"])
    assert revisions == sorted(set(revisions))
    assert [item["revision"] for item in bob.items("GROUP")] == revisions


# fetchGroups and fetchGroupMembers


def test_groups_are_those_of_the_caller(alice, bob, carol):
    first, second = alice.create_group(bob, name="first"), alice.create_group(carol, name="second")
    groups = alice.get("/v1/fetchGroups").expect(200)
    assert {group["groupId"]: group["name"] for group in groups["groups"]} == {first["groupId"]: "first", second["groupId"]: "second"}
    assert groups["hasMore"] is False
    assert bob.get("/v1/fetchGroups").expect(200)["groups"] == [first]


def test_groups_come_in_pages(alice):
    made = {alice.create_group(name=str(number))["groupId"] for number in range(5)}
    seen, query = [], "limit=2"
    while True:
        page = alice.get(f"/v1/fetchGroups?{query}").expect(200)
        seen += [group["groupId"] for group in page["groups"]]
        assert len(page["groups"]) <= 2
        if not page["hasMore"]:
            break
        query = f"limit=2&after={seen[-1]}"
    assert len(seen) == 5
    assert set(seen) == made


def test_members_come_in_pages(server, alice):
    others = [server.user() for _ in range(4)]
    group = alice.create_group(*others)["groupId"]
    seen, query = [], "limit=2"
    while True:
        page = alice.get(f"/v1/fetchGroupMembers?groupId={group}&{query}").expect(200)
        seen += [member["userId"] for member in page["members"]]
        assert len(page["members"]) <= 2
        if not page["hasMore"]:
            break
        query = f"limit=2&after={seen[-1]}"
    assert len(seen) == 5
    assert set(seen) == {alice.user_id, *(other.user_id for other in others)}
