"""Tokens and devices: refreshing, logging out, removing."""

import concurrent.futures

import pytest

from harness.people import new_uuid, request_otp
from harness.waiting import eventually


def refresh(client, token):
    return client.post("/v1/refreshToken", json={"refreshToken": token})


def is_refused(device):
    return device.get("/v1/getUser").status == 401


# refreshToken


def test_refreshing_answers_with_new_tokens_for_the_same_device(client, alice):
    session = refresh(client, alice.refresh_token).expect(200)
    assert (session["userId"], session["deviceId"], session["tokenType"]) == (alice.user_id, alice.device_id, "Bearer")
    assert session["accessToken"] != alice.token
    assert session["refreshToken"] != alice.refresh_token
    client.get("/v1/getUser", session["accessToken"]).expect(200)


def test_a_refresh_token_that_nobody_was_given_is_invalid(client, alice):
    refresh(client, "nonsense").problem(401, "refresh-token-invalid")
    refresh(client, alice.refresh_token[:-1]).problem(401, "refresh-token-invalid")
    refresh(client, alice.refresh_token).expect(200)


def test_an_access_token_refreshes_nothing(client, alice):
    refresh(client, alice.token).problem(401, "refresh-token-invalid")
    alice.get("/v1/getUser").expect(200)


def test_an_answer_that_got_lost_can_be_asked_for_again(client, alice):
    refresh(client, alice.refresh_token).expect(200)
    again = refresh(client, alice.refresh_token).expect(200)
    client.get("/v1/getUser", again["accessToken"]).expect(200)


def test_a_replay_after_the_successors_access_token_was_used_revokes_the_device(client, alice):
    second = alice.another()
    session = refresh(client, alice.refresh_token).expect(200)
    client.get("/v1/getUser", session["accessToken"]).expect(200)
    refresh(client, alice.refresh_token).problem(401, "refresh-token-invalid")
    assert client.get("/v1/getUser", session["accessToken"]).status == 401
    refresh(client, session["refreshToken"]).problem(401, "refresh-token-invalid")
    devices = second.get("/v1/listDevices").expect(200)["devices"]
    assert [device["deviceId"] for device in devices] == [second.device_id]


def test_a_replay_after_the_successors_refresh_token_was_used_revokes_the_device(client, alice):
    first = refresh(client, alice.refresh_token).expect(200)
    second = refresh(client, first["refreshToken"]).expect(200)
    refresh(client, alice.refresh_token).problem(401, "refresh-token-invalid")
    assert client.get("/v1/getUser", second["accessToken"]).status == 401


def test_a_revoked_device_ends_its_held_poll(client, alice):
    session = refresh(client, alice.refresh_token).expect(200)
    with client.hold(session["accessToken"]) as poll:
        assert poll.is_held()
        refresh(client, alice.refresh_token).problem(401, "refresh-token-invalid")
        poll.answer(1).problem(401, "session-revoked")


def test_refreshing_again_and_again_keeps_the_inbox(client, alice, bob):
    bob.send(alice, "before")
    for _ in range(5):
        alice.adopt(refresh(client, alice.refresh_token).expect(200))
        alice.get("/v1/getUser").expect(200)
    assert alice.texts() == ["before"]


def age(server, device, column, seconds):
    """Makes a moment of all sessions of the device lie that much further back."""
    server.database.query(f"UPDATE sessions SET {column} = {column} - interval '{seconds} s' WHERE device_id = '{device.device_id}'")


def test_the_grace_of_an_unused_successor_lasts_a_minute(server, client, alice):
    refresh(client, alice.refresh_token).expect(200)
    age(server, alice, "refreshed_at", 55)
    again = refresh(client, alice.refresh_token).expect(200)
    age(server, alice, "refreshed_at", 6)
    refresh(client, alice.refresh_token).problem(401, "refresh-token-invalid")
    client.get("/v1/getUser", again["accessToken"]).problem(401, "session-revoked")
    refresh(client, again["refreshToken"]).problem(401, "refresh-token-invalid")


def test_a_repeated_refresh_does_not_lengthen_the_grace(server, client, alice):
    for _ in range(3):
        refresh(client, alice.refresh_token).expect(200)
        age(server, alice, "refreshed_at", 25)
    refresh(client, alice.refresh_token).problem(401, "refresh-token-invalid")


def test_the_successor_of_an_old_refresh_token_stays_good(server, client, alice):
    """Time alone ends the old token; who goes on with the new one is not harmed."""
    session = refresh(client, alice.refresh_token).expect(200)
    age(server, alice, "refreshed_at", 3600)
    client.get("/v1/getUser", session["accessToken"]).expect(200)
    refresh(client, session["refreshToken"]).expect(200)


def test_a_refresh_token_expires(server, client, alice):
    server.database.query(f"UPDATE sessions SET refresh_expires_at = now() WHERE device_id = '{alice.device_id}'")
    refresh(client, alice.refresh_token).problem(401, "refresh-token-invalid")
    alice.get("/v1/getUser").expect(200)


def test_an_access_token_expires_and_a_refresh_helps(server, client, alice):
    server.database.query(f"UPDATE sessions SET access_expires_at = now() WHERE device_id = '{alice.device_id}'")
    alice.get("/v1/getUser").problem(401, "token-expired")
    alice.adopt(refresh(client, alice.refresh_token).expect(200))
    alice.get("/v1/getUser").expect(200)


def test_the_first_use_of_one_successor_ends_the_others_and_harms_nothing_else(client, alice):
    sessions = [refresh(client, alice.refresh_token).expect(200) for _ in range(3)]
    client.get("/v1/getUser", sessions[1]["accessToken"]).expect(200)
    for session in (sessions[0], sessions[2]):
        client.get("/v1/getUser", session["accessToken"]).problem(401, "invalid-token")
        refresh(client, session["refreshToken"]).problem(401, "refresh-token-invalid")
    client.get("/v1/getUser", sessions[1]["accessToken"]).expect(200)
    refresh(client, sessions[1]["refreshToken"]).expect(200)


@pytest.mark.timeout(120)
def test_new_tokens_end_the_old_access_token_within_a_minute(client, alice):
    session = refresh(client, alice.refresh_token).expect(200)
    client.get("/v1/getUser", session["accessToken"]).expect(200)
    eventually(lambda: is_refused(alice), 62, "the old access token ends")
    client.get("/v1/getUser", session["accessToken"]).expect(200)


def test_refreshing_at_once_gives_sessions_that_work(client, alice):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sessions = [answer.expect(200) for answer in pool.map(lambda _: refresh(client, alice.refresh_token), range(8))]
    assert {session["deviceId"] for session in sessions} == {alice.device_id}
    assert any(client.get("/v1/getUser", session["accessToken"]).status == 200 for session in sessions)


# logout


def test_logging_out_ends_the_device_and_leaves_the_others(client, alice, bob):
    second = alice.another()
    bob.send(alice, "for both")
    answer = alice.post("/v1/logout")
    answer.expect(204)
    assert answer.body == b""
    gone = alice.get("/v1/getUser")
    assert gone.status == 401 and gone.json["code"] in ("session-revoked", "invalid-token")
    refresh(client, alice.refresh_token).problem(401, "refresh-token-invalid")
    assert second.texts() == ["for both"]
    assert [device["deviceId"] for device in second.get("/v1/listDevices").expect(200)["devices"]] == [second.device_id]


def test_logging_out_empties_the_inbox_of_the_device(server, alice, bob):
    canary = "canary" + new_uuid().replace("-", "")
    bob.send(alice, canary)
    assert server.database.places_of(canary) != []
    alice.post("/v1/logout").expect(204)
    assert server.database.places_of(canary) == []


def test_logging_out_ends_the_held_poll(alice):
    with alice.hold() as poll:
        assert poll.is_held()
        alice.post("/v1/logout").expect(204)
        poll.answer(1).problem(401, "session-revoked")


def test_the_number_of_who_logged_out_is_still_registered(alice):
    alice.post("/v1/logout").expect(204)
    back = alice.another()
    assert back.user_id == alice.user_id
    assert back.texts() == []


# listDevices and removeDevice


def test_devices_are_listed_with_the_one_that_asks(alice):
    second = alice.another("tablet")
    devices = {device["deviceId"]: device for device in second.get("/v1/listDevices").expect(200)["devices"]}
    assert set(devices) == {alice.device_id, second.device_id}
    assert devices[second.device_id]["current"] is True and devices[alice.device_id]["current"] is False
    assert (devices[second.device_id]["name"], devices[second.device_id]["type"]) == ("tablet", "desktop")


def test_a_removed_device_ends_its_held_poll_within_a_second(alice):
    second = alice.another()
    with second.hold() as poll:
        assert poll.is_held()
        alice.post("/v1/removeDevice", {"deviceId": second.device_id}).expect(204)
        poll.answer(1).problem(401, "session-revoked")
    gone = second.get("/v1/getUser")
    assert gone.status == 401 and gone.json["code"] in ("session-revoked", "invalid-token")
    refresh(second.client, second.refresh_token).problem(401, "refresh-token-invalid")
    alice.get("/v1/getUser").expect(200)


def test_a_removed_device_gets_nothing_more_and_leaves_nothing(server, alice, bob):
    second = alice.another()
    alice.post("/v1/removeDevice", {"deviceId": second.device_id}).expect(204)
    canary = "canary" + new_uuid().replace("-", "")
    message = bob.send(alice, canary)
    alice.acknowledge([message])
    assert server.database.places_of(canary) == []


def test_a_device_of_another_user_is_not_found(alice, bob):
    alice.post("/v1/removeDevice", {"deviceId": bob.device_id}).problem(404, "not-found")
    alice.post("/v1/removeDevice", {"deviceId": new_uuid()}).problem(404, "not-found")
    bob.get("/v1/getUser").expect(200)


def test_a_device_is_removed_once(alice):
    second = alice.another()
    alice.post("/v1/removeDevice", {"deviceId": second.device_id}).expect(204)
    alice.post("/v1/removeDevice", {"deviceId": second.device_id}).problem(404, "not-found")


def test_a_user_has_as_many_devices_as_the_cap_allows(client, alice):
    cap = client.get("/v1/limits").expect(200)["limits"]["devicesPerUser"]["value"]
    devices = [alice] + [alice.another() for _ in range(cap - 1)]
    body = {"mobileNumber": alice.number, "otp": request_otp(client, alice.number), "device": {"name": "one more", "type": "web"}}
    client.post("/v1/login", json=body).problem(409, "too-many-devices")
    devices[1].post("/v1/logout").expect(204)
    alice.another()
