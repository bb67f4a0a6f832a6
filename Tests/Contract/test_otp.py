"""sendOTP, register and login: what an OTP is good for, and how often it may be tried."""

import concurrent.futures
import hashlib
import re

import pytest

from harness.people import log_in, new_number, register, request_otp, wrong_otp


def attempt(client, operation, number, otp, **members):
    body = {"mobileNumber": number, "otp": otp, "device": {"name": "phone", "type": "android"}} | members
    return client.post(f"/v1/{operation}", json=body)


def test_an_otp_has_six_digits_and_lives_five_minutes(client):
    sent = client.post("/v1/sendOTP", json={"mobileNumber": new_number(), "channel": "voice"}).expect(202)
    assert re.fullmatch(r"[0-9]{6}", sent["otp"])
    assert sent["expiresIn"] == 300


def test_the_answer_is_the_same_for_known_and_unknown_numbers(client, alice):
    known = client.post("/v1/sendOTP", json={"mobileNumber": alice.number}).expect(202)
    unknown = client.post("/v1/sendOTP", json={"mobileNumber": new_number()}).expect(202)
    assert {**known, "otp": ""} == {**unknown, "otp": ""}


def test_registering_answers_with_a_session(client):
    device = register(client, name="Anna")
    assert device.session["tokenType"] == "Bearer"
    assert device.session["expiresIn"] > 0
    assert len(device.token) >= 43 and len(device.refresh_token) >= 43
    assert device.token != device.refresh_token
    user = device.get("/v1/getUser").expect(200)
    assert (user["userId"], user["name"], user["mobileNumber"]) == (device.user_id, "Anna", device.number)


@pytest.mark.parametrize("kind", ["ios", "android", "web", "desktop", "cli"])
def test_a_device_may_be_of_each_type(client, kind):
    number = new_number()
    attempt(client, "register", number, request_otp(client, number), device={"name": "mine", "type": kind}).expect(201)


def test_five_wrong_tries_count_down_and_then_the_otp_is_expired(client):
    number = new_number()
    otp = request_otp(client, number)
    left = [attempt(client, "register", number, wrong_otp(otp)).problem(403, "otp-incorrect")["attemptsLeft"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    attempt(client, "register", number, wrong_otp(otp)).problem(403, "otp-expired")
    attempt(client, "register", number, otp).problem(403, "otp-expired")


def test_tries_of_register_and_login_are_counted_together(client, alice):
    otp = request_otp(client, alice.number)
    attempt(client, "register", alice.number, wrong_otp(otp)).problem(403, "otp-incorrect")
    assert attempt(client, "login", alice.number, wrong_otp(otp)).problem(403, "otp-incorrect")["attemptsLeft"] == 3


def test_the_right_otp_after_four_wrong_tries_is_good(client):
    number = new_number()
    otp = request_otp(client, number)
    for _ in range(4):
        attempt(client, "register", number, wrong_otp(otp)).problem(403, "otp-incorrect")
    attempt(client, "register", number, otp).expect(201)


def test_a_hundred_tries_at_once_are_five(client):
    number = new_number()
    wrong = wrong_otp(request_otp(client, number))
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: attempt(client, "register", number, wrong), range(100)))
    codes = [answer.json["code"] for answer in answers]
    assert codes.count("otp-incorrect") == 5
    assert codes.count("otp-expired") == 95
    assert sorted(answer.json["attemptsLeft"] for answer in answers if answer.json["code"] == "otp-incorrect") == [0, 1, 2, 3, 4]


def test_a_new_otp_replaces_the_old_one_and_its_tries(client):
    number = new_number()
    old = request_otp(client, number)
    attempt(client, "register", number, wrong_otp(old)).problem(403, "otp-incorrect")
    new = request_otp(client, number)
    while new == old:
        new = request_otp(client, number)
    assert attempt(client, "register", number, old).problem(403, "otp-incorrect")["attemptsLeft"] == 4
    attempt(client, "register", number, new).expect(201)


def test_an_otp_is_used_once(client):
    number = new_number()
    otp = request_otp(client, number)
    attempt(client, "register", number, otp).expect(201)
    attempt(client, "register", number, otp).problem(403, "otp-expired")
    attempt(client, "login", number, otp).problem(403, "otp-expired")


def test_one_of_many_at_once_uses_the_otp(client):
    number = new_number()
    otp = request_otp(client, number)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = sorted(answer.status for answer in pool.map(lambda _: attempt(client, "register", number, otp), range(16)))
    assert statuses == [201] + [403] * 15


def test_a_number_without_an_otp_has_an_expired_one(client):
    attempt(client, "register", new_number(), "123456").problem(403, "otp-expired")
    attempt(client, "login", new_number(), "123456").problem(403, "otp-expired")


def test_an_otp_is_good_for_its_own_number_only(client):
    one, other = new_number(), new_number()
    otp = request_otp(client, one)
    while request_otp(client, other) == otp:
        pass
    attempt(client, "register", other, otp).problem(403, "otp-incorrect")


def test_an_otp_stays_good_for_login_where_the_number_is_registered(client, alice):
    otp = request_otp(client, alice.number)
    attempt(client, "register", alice.number, otp).problem(409, "already-registered")
    session = attempt(client, "login", alice.number, otp).expect(201)
    assert session["userId"] == alice.user_id
    assert session["deviceId"] != alice.device_id


def test_an_otp_stays_good_for_register_where_the_number_is_not_registered(client):
    number = new_number()
    otp = request_otp(client, number)
    attempt(client, "login", number, otp).problem(404, "not-registered")
    attempt(client, "register", number, otp).expect(201)


def test_a_wrong_otp_does_not_tell_whether_a_number_is_registered(client, alice):
    wrong = wrong_otp(request_otp(client, alice.number))
    attempt(client, "register", alice.number, wrong).problem(403, "otp-incorrect")
    number = new_number()
    attempt(client, "login", number, wrong_otp(request_otp(client, number))).problem(403, "otp-incorrect")


def test_the_life_and_the_tries_of_an_otp_are_limits(own_server):
    client = own_server(RESTANTE_LIMIT_OTP_SECONDS="30", RESTANTE_LIMIT_OTP_ATTEMPTS="2").client
    number = new_number()
    sent = client.post("/v1/sendOTP", json={"mobileNumber": number}).expect(202)
    assert sent["expiresIn"] == 30
    left = [attempt(client, "register", number, wrong_otp(sent["otp"])).problem(403, "otp-incorrect")["attemptsLeft"] for _ in range(2)]
    assert left == [1, 0]
    attempt(client, "register", number, sent["otp"]).problem(403, "otp-expired")


def test_an_otp_past_its_time_is_expired(server, client):
    number = new_number()
    otp = request_otp(client, number)
    server.database.query(f"UPDATE one_time_passwords SET expires_at = now() - interval '1 second' WHERE mobile_number = '{number}'")
    attempt(client, "register", number, otp).problem(403, "otp-expired")


def test_an_otp_is_stored_as_a_keyed_hash(server, client):
    number = new_number()
    otp = request_otp(client, number)
    ((stored,),) = server.database.query(f"SELECT encode(otp_hash, 'hex') FROM one_time_passwords WHERE mobile_number = '{number}'")
    assert len(stored) >= 32
    assert otp.encode().hex() not in stored
    for text in (otp, number + otp, otp + number):
        assert not hashlib.sha256(text.encode()).hexdigest().startswith(stored)


def test_no_token_is_stored_as_it_is(server, client):
    device = register(client)
    assert server.database.places_of(device.number) == ["public.users"]
    assert server.database.places_of(device.token) == []
    assert server.database.places_of(device.refresh_token) == []


def test_logging_in_adds_a_device_to_the_same_user(client, alice):
    second = log_in(client, alice.number, "tablet")
    devices = second.get("/v1/listDevices").expect(200)["devices"]
    assert {device["deviceId"] for device in devices} == {alice.device_id, second.device_id}
