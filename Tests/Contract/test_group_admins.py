"""updateGroup and setAdmin: what admins change, and that a group always has one."""

import concurrent.futures

import pytest

from harness.people import new_uuid

# updateGroup


def test_an_admin_changes_name_and_status_and_everyone_is_told(alice, bob):
    second = alice.another()
    group = alice.create_group(bob)
    for device in (bob, second):
        device.empty_inbox()
    changed = alice.group_call("updateGroup", group["groupId"], name="Chamber choir", profileStatus="We sing").expect(200)
    assert changed == group | {"name": "Chamber choir", "profileStatus": "We sing", "revision": 2}
    assert bob.group(group["groupId"]) == changed
    for device in (bob, second):
        assert device.group_changes(group["groupId"]) == [("updated", None, alice.user_id, 2)]
    assert alice.items() == []


def test_what_is_not_given_stays_and_an_empty_status_unsets_it(alice):
    group = alice.create_group()["groupId"]
    alice.group_call("updateGroup", group, profileStatus="We sing").expect(200)
    renamed = alice.group_call("updateGroup", group, name="new").expect(200)
    assert (renamed["name"], renamed["profileStatus"], renamed["revision"]) == ("new", "We sing", 3)
    unset = alice.group_call("updateGroup", group, profileStatus="").expect(200)
    assert "profileStatus" not in unset
    assert (unset["name"], unset["revision"]) == ("new", 4)


@pytest.mark.parametrize("change", [{}, {"name": "choir"}, {"profileStatus": ""}, {"name": "choir", "profileStatus": ""}])
def test_what_changes_nothing_raises_no_revision_and_tells_nobody(alice, bob, change):
    group = alice.create_group(bob)
    bob.empty_inbox()
    assert alice.group_call("updateGroup", group["groupId"], **change).expect(200) == group
    assert bob.items() == []


def test_a_member_who_is_no_admin_updates_nothing(alice, bob):
    group = alice.create_group(bob)
    bob.group_call("updateGroup", group["groupId"], name="mine").problem(403, "not-an-admin")
    assert alice.group(group["groupId"]) == group


# setAdmin


def test_an_admin_makes_another_who_can_do_the_same(alice, bob, carol):
    group = alice.create_group(bob, carol)["groupId"]
    carol.empty_inbox()
    assert alice.set_admin(group, bob).expect(200)["revision"] == 2
    assert bob.set_admin(group, alice, False).expect(200)["revision"] == 3
    assert {user: member["isAdmin"] for user, member in carol.members(group).items()} == {
        alice.user_id: False,
        bob.user_id: True,
        carol.user_id: False,
    }
    assert carol.group_changes(group) == [("adminChanged", bob.user_id, alice.user_id, 2), ("adminChanged", alice.user_id, bob.user_id, 3)]
    alice.group_call("updateGroup", group, name="mine").problem(403, "not-an-admin")


def test_the_last_admin_stays_one(alice, bob):
    group = alice.create_group(bob)
    alice.set_admin(group["groupId"], alice, False).problem(409, "last-admin")
    assert alice.members(group["groupId"])[alice.user_id]["isAdmin"]
    assert alice.group(group["groupId"]) == group


def test_an_admin_may_give_it_up_while_there_is_another(alice, bob):
    group = alice.create_group(bob)["groupId"]
    alice.set_admin(group, bob).expect(200)
    alice.set_admin(group, alice, False).expect(200)
    assert {user: member["isAdmin"] for user, member in alice.members(group).items()} == {alice.user_id: False, bob.user_id: True}
    bob.set_admin(group, bob, False).problem(409, "last-admin")


def test_setting_what_is_so_already_raises_no_revision_and_tells_nobody(alice, bob):
    group = alice.create_group(bob)
    bob.empty_inbox()
    assert alice.set_admin(group["groupId"], alice, True).expect(200) == group
    assert alice.set_admin(group["groupId"], bob, False).expect(200) == group
    assert bob.items() == []


def test_only_a_member_can_be_admin(alice, bob, carol):
    group = alice.create_group(bob)["groupId"]
    for stranger in (carol, new_uuid()):
        for is_admin in (True, False):
            alice.set_admin(group, stranger, is_admin).problem(404, "not-found")


def test_a_member_who_is_no_admin_makes_nobody_admin(alice, bob):
    group = alice.create_group(bob)["groupId"]
    bob.set_admin(group, bob).problem(403, "not-an-admin")
    bob.set_admin(group, alice, False).problem(403, "not-an-admin")


def test_who_was_removed_comes_back_without_their_rights(alice, bob):
    group = alice.create_group(bob)["groupId"]
    alice.set_admin(group, bob).expect(200)
    alice.group_call("removeMember", group, bob).expect(200)
    alice.group_call("addMember", group, bob).expect(200)
    assert alice.members(group)[bob.user_id]["isAdmin"] is False


def test_two_admins_who_give_it_up_at_once_leave_one(server):
    for _ in range(10):
        alice, bob = server.user(), server.user()
        group = alice.create_group(bob)["groupId"]
        alice.set_admin(group, bob).expect(200)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            attempts = [pool.submit(device.set_admin, group, device, False) for device in (alice, bob)]
        assert sorted(attempt.result().status for attempt in attempts) == [200, 409]
        assert sum(member["isAdmin"] for member in alice.members(group).values()) == 1
