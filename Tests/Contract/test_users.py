"""Profiles, privacy and look-ups."""

import pytest

from harness.people import new_number, new_uuid, register


def look_up(asker, *numbers):
    users = asker.post("/v1/lookupUsers", {"mobileNumbers": list(numbers)}).expect(200)["users"]
    return {user["mobileNumber"]: user["userId"] for user in users}


def set_privacy(device, **privacy):
    device.post("/v1/updateUser", {"privacy": privacy}).expect(200)


# getUser and updateUser


def test_one_sees_ones_own_number_and_others_do_not(alice, bob):
    own = alice.get("/v1/getUser").expect(200)
    assert own["mobileNumber"] == alice.number
    assert alice.get(f"/v1/getUser?userId={alice.user_id}").expect(200) == own
    seen = bob.get(f"/v1/getUser?userId={alice.user_id}").expect(200)
    assert seen == {key: value for key, value in own.items() if key != "mobileNumber"}


def test_a_profile_is_changed_member_by_member(alice, bob):
    alice.post("/v1/updateUser", {"profileStatus": "Hey there 👋"}).expect(200)
    user = alice.post("/v1/updateUser", {"name": "Alice B."}).expect(200)
    assert (user["name"], user["profileStatus"], user["mobileNumber"]) == ("Alice B.", "Hey there 👋", alice.number)
    seen = bob.get(f"/v1/getUser?userId={alice.user_id}").expect(200)
    assert (seen["name"], seen["profileStatus"]) == ("Alice B.", "Hey there 👋")


def test_an_empty_string_unsets_a_profile_value(alice):
    alice.post("/v1/updateUser", {"name": "A", "profileStatus": "busy"}).expect(200)
    user = alice.post("/v1/updateUser", {"profileStatus": ""}).expect(200)
    assert user["name"] == "A" and "profileStatus" not in user
    assert "name" not in alice.post("/v1/updateUser", {"name": ""}).expect(200)
    assert "name" not in alice.get("/v1/getUser").expect(200)


def test_a_user_without_a_name_has_none(client):
    assert "name" not in register(client).get("/v1/getUser").expect(200)


def test_an_avatar_that_one_may_not_see_is_unknown_media(alice):
    alice.post("/v1/updateUser", {"name": "changed", "avatarMediaId": new_uuid()}).problem(404, "unknown-media")
    assert alice.get("/v1/getUser").expect(200)["name"] == "Alice"


def test_notification_tokens_are_taken(server, alice):
    token = "push" + new_uuid()
    body = {"notificationTokens": [{"token": token, "type": "FCM", "deviceInfo": "Pixel"}, {"token": "b", "type": "APN"}]}
    alice.post("/v1/updateUser", body).expect(200)
    assert server.database.places_of(token) != []
    alice.post("/v1/logout").expect(204)
    assert server.database.places_of(token) == []


# lookupUsers


def test_a_look_up_finds_who_is_registered(client, alice):
    bob = register(client, name="Bob")
    answer = alice.post("/v1/lookupUsers", {"mobileNumbers": [bob.number, new_number()]}).expect(200)
    assert answer == {"users": [{"mobileNumber": bob.number, "userId": bob.user_id, "name": "Bob"}]}


def test_who_is_not_discoverable_is_not_found(alice, bob):
    set_privacy(bob, discoverable=False)
    assert look_up(alice, bob.number) == {}
    set_privacy(bob, discoverable=True)
    assert look_up(alice, bob.number) == {bob.number: bob.user_id}


def test_five_hundred_numbers_are_looked_up_at_once(alice, bob):
    numbers = [new_number() for _ in range(499)]
    assert look_up(alice, *numbers, bob.number) == {bob.number: bob.user_id}


def test_a_number_named_twice_is_found_once(alice, bob):
    users = alice.post("/v1/lookupUsers", {"mobileNumbers": [bob.number, bob.number]}).expect(200)["users"]
    assert len(users) == 1


# Privacy of groups


@pytest.mark.parametrize("groups", ["contacts", "nobody"])
def test_who_refuses_groups_may_not_be_added(alice, bob, carol, groups):
    set_privacy(bob, groups=groups)
    group = alice.create_group(carol)
    alice.group_call("addMember", group["groupId"], bob).problem(403, "may-not-add")
    body = {"name": "other", "memberIds": [carol.user_id, bob.user_id]}
    alice.post("/v1/createGroup", body).problem(403, "may-not-add")
    assert bob.items("GROUP") == []
    assert len(carol.items("GROUP")) == 1


def test_a_contact_may_add_who_accepts_contacts(alice, bob, carol):
    set_privacy(bob, groups="contacts")
    look_up(bob, alice.number)
    group = alice.create_group(bob)
    assert set(alice.members(group["groupId"])) == {alice.user_id, bob.user_id}
    set_privacy(carol, groups="nobody")
    look_up(carol, alice.number)
    alice.group_call("addMember", group["groupId"], carol).problem(403, "may-not-add")


def test_a_look_up_makes_no_contact_of_the_one_who_asks(alice, bob):
    set_privacy(bob, groups="contacts")
    look_up(alice, bob.number)
    alice.post("/v1/createGroup", {"name": "choir", "memberIds": [bob.user_id]}).problem(403, "may-not-add")


def test_changing_one_privacy_setting_leaves_the_others(alice, bob):
    set_privacy(bob, groups="nobody")
    set_privacy(bob, discoverable=False)
    set_privacy(bob, discoverable=True)
    alice.post("/v1/createGroup", {"name": "choir", "memberIds": [bob.user_id]}).problem(403, "may-not-add")
