"""One-time passwords through a webhook: what the gateway gets, and what its failures cost."""

import concurrent.futures
import json
import time

import pytest

from harness.gateway import Gateway, SECRET, fault_of
from harness.people import new_number, wrong_otp
from harness.waiting import eventually


@pytest.fixture
def gateway():
    gateway = Gateway()
    yield gateway
    gateway.stop()


def send(server, number=None, **members):
    return server.client.post("/v1/sendOTP", json={"mobileNumber": number or new_number()} | members)


def register(server, number, otp):
    return server.client.post("/v1/register", json={"mobileNumber": number, "otp": otp, "device": {"name": "phone", "type": "ios"}})


def test_the_gateway_gets_a_signed_post_and_the_client_no_digits(own_server, gateway):
    server = own_server(**gateway.settings)
    number = new_number()
    sent = send(server, number, channel="voice").expect(202)
    assert sent == {"expiresIn": 300, "resendAfter": 0}
    ((path, headers, body),) = gateway.requests
    assert (path, headers["Content-Type"]) == ("/otp", "application/json")
    password = json.loads(body)
    assert password == {"mobileNumber": number, "channel": "voice", "otp": password["otp"], "expiresIn": 300}
    assert gateway.faults == []
    assert headers["Restante-Signature"] == "v1=" + headers["Idempotency-Key"]
    register(server, number, password["otp"]).expect(201)
    assert password["otp"] not in server.log() and number not in server.log()


def test_the_signature_is_over_time_and_body(own_server, gateway):
    server = own_server(**gateway.settings)
    send(server).expect(202)
    ((_, headers, body),) = gateway.requests
    assert fault_of(headers, body) is None
    assert fault_of(headers, body.replace(b"sms", b"voice"))
    assert fault_of(headers | {"Restante-Timestamp": str(int(headers["Restante-Timestamp"]) + 1)}, body)
    assert fault_of(headers, body, now=int(headers["Restante-Timestamp"]) + 301) == "the time is wrong"


@pytest.mark.parametrize("status", [429, 503])
def test_a_gateway_that_was_busy_is_asked_once_more_with_the_same_bytes(own_server, gateway, status):
    server = own_server(**gateway.settings)
    gateway.answers = [status]
    number = new_number()
    send(server, number).expect(202)
    first, second = gateway.requests
    assert (first[1]["Idempotency-Key"], first[2]) == (second[1]["Idempotency-Key"], second[2])
    register(server, number, gateway.otp_for(number)).expect(201)


@pytest.mark.parametrize("answers", [[400], [302], [500], [502], [504], [None]], ids=str)
def test_what_is_refused_or_unknown_is_not_tried_again(own_server, gateway, answers):
    server = own_server(**gateway.settings)
    gateway.answers = answers
    problem = send(server).problem(502, "otp-delivery-failed")
    assert problem["retryable"] is True
    assert len(gateway.requests) == 1


def test_a_gateway_that_hangs_costs_three_seconds(own_server, gateway):
    server = own_server(**gateway.settings, RESTANTE_RATE_LIMITS="on")
    gateway.hang.clear()
    number = new_number()
    begin = time.monotonic()
    send(server, number).problem(502, "otp-delivery-failed")
    assert 2.5 < time.monotonic() - begin < 5
    # The digits may have gone all the same: they are good, and count.
    ((_, _, body),) = gateway.requests
    assert send(server, number).problem(429, "rate-limited")["scope"] == "otpResendSeconds"
    register(server, number, json.loads(body)["otp"]).expect(201)


@pytest.mark.parametrize("answers", [[503, 503], [400]], ids=str)
def test_what_certainly_did_not_go_costs_nothing(own_server, gateway, answers):
    server = own_server(**gateway.settings, RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_OTP_PER_NUMBER="2", RESTANTE_LIMIT_OTP_RESEND_SECONDS="0")
    number = new_number()
    send(server, number).expect(202)
    good = gateway.otp_for(number)
    for _ in range(2):
        gateway.answers = list(answers)
        send(server, number).problem(502, "otp-delivery-failed")
    # Neither the one before nor the day's quota is gone.
    assert server.database.query("SELECT sent FROM otp_counts WHERE prefix = ''") == [["1"]]
    register(server, number, wrong_otp(good)).problem(403, "otp-incorrect")
    register(server, number, good).expect(201)
    send(server, number).expect(202)
    assert send(server, number).problem(429, "rate-limited")["scope"] == "otpPerNumber"


def test_a_failed_first_delivery_leaves_nothing_behind(own_server, gateway):
    server = own_server(**gateway.settings, RESTANTE_RATE_LIMITS="on")
    number = new_number()
    gateway.answers = [400]
    send(server, number).problem(502, "otp-delivery-failed")
    assert server.database.query("SELECT count(*) FROM one_time_passwords") == [["0"]]
    send(server, number).expect(202)
    register(server, number, gateway.otp_for(number)).expect(201)


@pytest.mark.parametrize("answers", [[400], [503, 503]], ids=str)
def test_a_password_that_was_tried_before_its_delivery_failed_counts(own_server, gateway, answers):
    """Otherwise who can make the gateway refuse has as many tries as they like."""
    server = own_server(**gateway.settings, RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_OTP_PER_NUMBER="2", RESTANTE_LIMIT_OTP_RESEND_SECONDS="0")
    number = new_number()
    for _ in range(2):
        gateway.answers = list(answers)
        gateway.hang.clear()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sending = pool.submit(send, server, number)
            assert gateway.arrived.acquire(timeout=10)
            otp = json.loads(gateway.requests[-1][2])["otp"]
            assert register(server, number, wrong_otp(otp)).problem(403, "otp-incorrect")["attemptsLeft"] == 4
            gateway.hang.set()
            sending.result().problem(502, "otp-delivery-failed")
        while gateway.arrived.acquire(blocking=False):
            pass
        assert server.database.query("SELECT attempts_left FROM one_time_passwords") == [["4"]]
    assert send(server, number).problem(429, "rate-limited")["scope"] == "otpPerNumber"


def test_failures_open_the_breaker_and_a_gateway_that_is_back_closes_it(own_server, gateway):
    server = own_server(**gateway.settings)
    gateway.answers = [500] * 10
    for _ in range(10):
        send(server).problem(502, "otp-delivery-failed")
    answer = send(server)
    answer.problem(503, "unavailable")
    assert 1 <= int(answer.headers["retry-after"]) <= 10
    assert len(gateway.requests) == 10
    # While it is open no password is made that somebody could guess.
    server.database.query(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON one_time_passwords EXECUTE FUNCTION refuse()"
    )
    send(server).problem(503, "unavailable")
    server.database.query("DROP TRIGGER refuse ON one_time_passwords")
    eventually(lambda: send(server).status == 202, 15, "the gateway is asked again")
    send(server).expect(202)


def test_nobody_at_the_gateways_port(own_server, gateway):
    server = own_server(**gateway.settings)
    gateway.stop()
    send(server).problem(502, "otp-delivery-failed")


def test_known_and_unknown_numbers_are_answered_alike(own_server, gateway):
    server = own_server(**gateway.settings, RESTANTE_RATE_LIMITS="on")
    known, unknown = new_number(), new_number()
    send(server, known).expect(202)
    register(server, known, gateway.otp_for(known)).expect(201)
    answers = [[send(server, number) for _ in range(2)] for number in (known, unknown)]
    of_known, of_unknown = ([(answer.status, {**answer.json, "requestId": ""}) for answer in pair] for pair in answers)
    assert of_known == of_unknown
    assert [status for status, _ in of_known] == [202, 429]


def test_numbers_of_other_countries_are_refused(own_server, gateway):
    server = own_server(**gateway.settings, RESTANTE_OTP_COUNTRIES="43,491")
    for number in ("+4366012345678", "+4915112345678"):
        send(server, number).expect(202)
    for number in ("+4930123456", "+14155550100"):
        problem = send(server, number).problem(400, "invalid-request")
        assert [fault["pointer"] for fault in problem["errors"]] == ["/mobileNumber"]
    assert len(gateway.requests) == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"RESTANTE_OTP_WEBHOOK_SECRET": None},
        {"RESTANTE_OTP_WEBHOOK_SECRET": "short"},
        {"RESTANTE_OTP_DELIVERY": "webhook:http://sms.example/"},
        {"RESTANTE_OTP_DELIVERY": "webhook:https://user:secret@sms.example/"},
        {"RESTANTE_OTP_COUNTRIES": "+49"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant_are_refused(own_server, gateway, settings):
    with pytest.raises(AssertionError, match="before it listened"):
        own_server(**(gateway.settings | settings))


def test_the_secret_can_come_from_a_file(own_server, gateway, tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    server = own_server(**(gateway.settings | {"RESTANTE_OTP_WEBHOOK_SECRET": None, "RESTANTE_OTP_WEBHOOK_SECRET_FILE": str(path)}))
    send(server).expect(202)
    assert gateway.faults == [] and len(gateway.passwords) == 1


# What bounds the sends

# Buckets by address would hide those that are tried here: all tests come from one.
FROM_ANYWHERE = {
    "RESTANTE_RATE_LIMITS": "on",
    "RESTANTE_LIMIT_OTP_PER_ADDRESS": "1000000",
    "RESTANTE_LIMIT_REQUESTS_PER_ADDRESS": "10000000",
}


def farm(server, numbers):
    """Asks for all of them at once; how often each scope was named, and '' for a send."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: send(server, number), numbers))
    scopes = ["" if answer.status == 202 else answer.problem(429, "rate-limited")["scope"] for answer in answers]
    return {scope: scopes.count(scope) for scope in scopes}


def test_a_block_of_numbers_cannot_be_farmed(own_server, gateway):
    server = own_server(**gateway.settings, **FROM_ANYWHERE)
    counts = farm(server, [f"+49151777000{number:03d}" for number in range(1000)] * 2)
    assert sum(counts.values()) == 2000
    assert 10 <= len(gateway.passwords) <= 20
    assert counts[""] == len(gateway.passwords)


def test_neighbouring_blocks_cannot_be_farmed_either(own_server, gateway):
    server = own_server(**gateway.settings, **FROM_ANYWHERE)
    counts = farm(server, [f"+49151777{block:03d}000" for block in range(100)])
    assert counts == {"": 20, "otpUnverifiedPerPrefix": 80}
    assert len(gateway.passwords) == 20


def test_numbers_that_are_used_are_no_farm(own_server, gateway):
    server = own_server(**gateway.settings, **FROM_ANYWHERE)
    for block in range(40):
        number = f"+49151777{block:03d}000"
        send(server, number).expect(202)
        if block % 5 == 0:
            register(server, number, gateway.otp_for(number)).expect(201)
    assert len(gateway.passwords) == 40


def test_the_days_budget_holds_on_two_nodes(own_server, gateway):
    settings = gateway.settings | FROM_ANYWHERE | {"RESTANTE_LIMIT_OTP_PER_DAY": "15", "RESTANTE_SERVER_SECRET": "the same on every node of the fleet"}
    first = own_server(**settings)
    second = own_server(**settings, RESTANTE_DATABASE_URL=first.database.conninfo())
    numbers = [f"+49{1000 + number}555000" for number in range(60)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(farm, (first, second), (numbers[:30], numbers[30:])))
    # At the turn of an hour, sends under way do not see each other; see OTPBudgetStore.
    assert 15 <= len(gateway.passwords) <= 15 + 8
    assert {scope for count in counts for scope in count} == {"", "otpPerDay"}
    second.terminate()


def test_the_wait_grows_with_every_send(own_server, gateway):
    server = own_server(**gateway.settings, RESTANTE_RATE_LIMITS="on")
    number = new_number()
    waits = []
    for _ in range(5):
        waits.append(send(server, number).expect(202)["resendAfter"])
        refused = send(server, number)
        assert refused.problem(429, "rate-limited")["scope"] == "otpResendSeconds"
        assert waits[-1] - 5 <= int(refused.headers["retry-after"]) <= waits[-1]
        server.database.query(f"UPDATE one_time_passwords SET issued_at = issued_at - interval '{waits[-1]} seconds'")
    assert waits == [60, 120, 300, 600, 600]
    assert send(server, number).problem(429, "rate-limited")["scope"] == "otpPerNumber"


def test_voice_has_a_bound_of_its_own(own_server, gateway):
    server = own_server(**gateway.settings, RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_OTP_RESEND_SECONDS="0")
    number = new_number()
    for _ in range(2):
        send(server, number, channel="voice").expect(202)
    assert send(server, number, channel="voice").problem(429, "rate-limited")["scope"] == "otpVoicePerNumber"
    send(server, number).expect(202)


def test_a_hundred_tries_on_two_nodes_are_five(own_server, gateway):
    shared = gateway.settings | {"RESTANTE_SERVER_SECRET": "the same on every node of the fleet"}
    first = own_server(**shared)
    second = own_server(**shared, RESTANTE_DATABASE_URL=first.database.conninfo())
    number = new_number()
    send(first, number).expect(202)
    otp = gateway.otp_for(number)
    # The right one comes late, after the tries are used up.
    tries = [wrong_otp(otp)] * 50 + [otp] + [wrong_otp(otp)] * 49
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda pair: register((first, second)[pair[0] % 2], number, pair[1]), enumerate(tries)))
    codes = [answer.json["code"] for answer in answers]
    assert codes.count("otp-incorrect") == 5
    assert codes.count("otp-expired") == 95
    second.terminate()
