"""createInvite, revokeInvite and joinGroup."""

import concurrent.futures

import pytest

from harness.people import new_uuid


def test_whoever_has_the_code_joins_and_everyone_is_told(alice, bob, carol):
    second = carol.another()
    group = alice.create_group(bob)
    bob.empty_inbox()
    code = alice.invite(group["groupId"])
    joined = carol.join(code).expect(200)
    assert joined == group | {"memberCount": 3, "revision": 2}
    for device in (alice, bob, second):
        assert device.group_changes(group["groupId"]) == [("memberJoined", carol.user_id, carol.user_id, 2)]
    assert carol.items() == []
    assert carol.members(group["groupId"])[carol.user_id]["isAdmin"] is False
    alice.send_group(group["groupId"], "welcome")
    assert carol.texts() == ["welcome"]


def test_an_invite_is_no_change_of_the_group(alice, bob):
    group = alice.create_group(bob)
    bob.empty_inbox()
    alice.invite(group["groupId"])
    alice.group_call("revokeInvite", group["groupId"]).expect(204)
    assert alice.group(group["groupId"]) == group
    assert bob.items() == []


def test_a_code_is_long_random_and_kept_as_a_hash_only(server, alice):
    group = alice.create_group()["groupId"]
    codes = [alice.invite(group) for _ in range(20)]
    assert len(set(codes)) == 20
    # 22 letters of base64url are 128 bits.
    assert all(len(code) >= 22 and code.replace("-", "").replace("_", "").isalnum() for code in codes)
    assert server.database.places_of(codes[-1]) == []


def test_a_new_invite_ends_the_one_before(alice, bob, carol):
    group = alice.create_group()["groupId"]
    first, second = alice.invite(group), alice.invite(group)
    bob.join(first).problem(404, "not-found")
    carol.join(second).expect(200)
    assert set(alice.members(group)) == {alice.user_id, carol.user_id}


def test_a_revoked_invite_is_over(alice, bob):
    group = alice.create_group()["groupId"]
    code = alice.invite(group)
    alice.group_call("revokeInvite", group).expect(204)
    bob.join(code).problem(404, "not-found")
    alice.group_call("revokeInvite", group).expect(204)
    assert set(alice.members(group)) == {alice.user_id}


def test_an_invite_is_good_for_many_and_outlives_its_maker(alice, bob, carol):
    group = alice.create_group()["groupId"]
    code = alice.invite(group)
    bob.join(code).expect(200)
    alice.group_call("leaveGroup", group).expect(204)
    carol.join(code).expect(200)
    assert set(bob.members(group)) == {bob.user_id, carol.user_id}


def test_a_group_is_invited_to_by_its_own_code(alice, bob, carol):
    first, second = alice.create_group(name="first")["groupId"], alice.create_group(name="second")["groupId"]
    code = alice.invite(first)
    alice.invite(second)
    assert bob.join(code).expect(200)["groupId"] == first
    alice.group_call("revokeInvite", second).expect(204)
    assert carol.join(code).expect(200)["groupId"] == first


@pytest.mark.parametrize("code", ["x", "nS3cW1yJ0mJt9q0b7iX2vG4kH8eLr5Tz", "'; DROP TABLE groups; --", "\u00e9\U0001f600", "c" * 100])
def test_an_unknown_code_is_not_found(alice, code):
    alice.join(code).problem(404, "not-found")


@pytest.mark.parametrize("body", [{}, {"inviteCode": ""}, {"inviteCode": "c" * 101}, {"inviteCode": 5}, {"inviteCode": None}])
def test_what_is_no_code_is_invalid(alice, body):
    problem = alice.post("/v1/joinGroup", body).problem(400, "invalid-request")
    assert [entry["pointer"] for entry in problem["errors"]] == ["/inviteCode"]


def test_who_is_a_member_does_not_join_again(alice, bob):
    group = alice.create_group(bob)
    code = alice.invite(group["groupId"])
    for device in (alice, bob, bob.another()):
        device.join(code).problem(409, "already-a-member")
    assert alice.group(group["groupId"]) == group


def test_only_admins_have_to_do_with_invites(alice, bob):
    group = alice.create_group(bob)["groupId"]
    code = alice.invite(group)
    for operation in ("createInvite", "revokeInvite"):
        bob.group_call(operation, group).problem(403, "not-an-admin")
        alice.group_call(operation, new_uuid()).problem(404, "not-found")
    bob.group_call("leaveGroup", group).expect(204)
    bob.join(code).expect(200)


def test_privacy_settings_do_not_keep_anyone_from_joining(alice, bob):
    bob.post("/v1/updateUser", {"privacy": {"groups": "nobody"}}).expect(200)
    group = alice.create_group()["groupId"]
    alice.group_call("addMember", group, bob).problem(403, "may-not-add")
    bob.join(alice.invite(group)).expect(200)


def test_who_was_removed_comes_back_with_a_code_that_is_still_good(alice, bob):
    group = alice.create_group(bob)["groupId"]
    code = alice.invite(group)
    alice.group_call("removeMember", group, bob).expect(200)
    bob.join(code).expect(200)
    alice.group_call("removeMember", group, bob).expect(200)
    alice.invite(group)
    bob.join(code).problem(404, "not-found")


def test_two_devices_of_one_user_join_once(alice, bob):
    other = bob.another()
    group = alice.create_group()["groupId"]
    code = alice.invite(group)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        attempts = list(pool.map(lambda device: device.join(code), (bob, other)))
    assert sorted(attempt.status for attempt in attempts) == [200, 409]
    assert alice.group(group)["memberCount"] == len(alice.members(group)) == 2
