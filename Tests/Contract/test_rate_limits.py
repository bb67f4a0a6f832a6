"""429 and the limits: buckets and caps by name, on servers that keep them."""

import pytest

from harness.metrics import read_metrics
from harness.people import log_in, new_number, register
from harness.waiting import eventually


def retry_after(answer):
    return int(answer.headers["retry-after"])


def test_an_otp_is_not_sent_again_before_resend_after(own_server):
    client = own_server(RESTANTE_RATE_LIMITS="on").client
    number = new_number()
    sent = client.post("/v1/sendOTP", json={"mobileNumber": number}).expect(202)
    assert sent["resendAfter"] > 0
    again = client.post("/v1/sendOTP", json={"mobileNumber": number})
    problem = again.problem(429, "rate-limited")
    assert problem["retryable"] is True
    assert 0 < retry_after(again) <= sent["resendAfter"]
    client.post("/v1/sendOTP", json={"mobileNumber": new_number()}).expect(202)


def test_known_and_unknown_numbers_get_the_same_answers(own_server):
    client = own_server(RESTANTE_RATE_LIMITS="on").client
    known, unknown = register(client).number, new_number()
    answers = [[client.post("/v1/sendOTP", json={"mobileNumber": number}) for _ in range(2)] for number in (known, unknown)]
    of_known, of_unknown = ([(answer.status, answer.json.get("code"), answer.json.get("scope")) for answer in pair] for pair in answers)
    assert of_known == of_unknown
    assert [status for status, _, _ in of_known] == [202, 429]


def test_a_bucket_is_served_and_set_by_its_name(own_server):
    client = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_OTP_PER_ADDRESS="3").client
    assert client.get("/v1/limits").expect(200)["limits"]["otpPerAddress"]["value"] == 3
    for _ in range(3):
        client.post("/v1/sendOTP", json={"mobileNumber": new_number()}).expect(202)
    refused = client.post("/v1/sendOTP", json={"mobileNumber": new_number()})
    assert refused.problem(429, "rate-limited")["scope"] == "otpPerAddress"
    assert retry_after(refused) >= 1


def otp_from(client, *forwarded):
    """Asks for an OTP as a proxy does for whom it was asked by; one field each."""
    headers = [("X-Forwarded-For", field) for field in forwarded]
    return client.post("/v1/sendOTP", json={"mobileNumber": new_number()}, headers=headers)


def test_behind_a_trusted_proxy_each_client_has_its_own_bucket(own_server):
    client = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_OTP_PER_ADDRESS="1", RESTANTE_TRUSTED_PROXIES="127.0.0.1").client
    otp_from(client, "198.51.100.1").expect(202)
    otp_from(client, "198.51.100.2").expect(202)
    for made_up in ("203.0.113.1, 198.51.100.1", "203.0.113.2, 198.51.100.1"):
        assert otp_from(client, made_up).problem(429, "rate-limited")["scope"] == "otpPerAddress"
    otp_from(client, "203.0.113.3", "198.51.100.2").problem(429, "rate-limited")


def test_who_is_no_trusted_proxy_speaks_for_nobody(own_server):
    client = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_OTP_PER_ADDRESS="1").client
    otp_from(client, "198.51.100.1").expect(202)
    otp_from(client, "198.51.100.2").problem(429, "rate-limited")


def test_rate_limits_off_switches_the_buckets_off_and_leaves_the_caps(own_server):
    client = own_server(RESTANTE_LIMIT_OTP_PER_ADDRESS="1", RESTANTE_LIMIT_DEVICES_PER_USER="2").client
    first = register(client)
    log_in(client, first.number)
    otp = client.post("/v1/sendOTP", json={"mobileNumber": first.number}).expect(202)["otp"]
    body = {"mobileNumber": first.number, "otp": otp, "device": {"name": "third", "type": "web"}}
    client.post("/v1/login", json=body).problem(409, "too-many-devices")


def test_new_contacts_are_counted_by_the_day_and_known_ones_are_not(own_server):
    server = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_NEW_CONTACTS_PER_DAY="3")
    asker = server.user()
    numbers = [new_number() for _ in range(4)]
    asker.post("/v1/lookupUsers", {"mobileNumbers": numbers[:3]}).expect(200)
    asker.post("/v1/lookupUsers", {"mobileNumbers": numbers[:3]}).expect(200)
    asker.post("/v1/lookupUsers", {"mobileNumbers": numbers[3:]}).problem(429, "rate-limited")
    asker.post("/v1/lookupUsers", {"mobileNumbers": numbers[:1]}).expect(200)


def test_look_ups_of_known_numbers_are_limited_as_well(own_server):
    server = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_LOOKUPS_PER_USER="2")
    asker, other = server.user(), server.user()
    for _ in range(2):
        asker.post("/v1/lookupUsers", {"mobileNumbers": [other.number]}).expect(200)
    refused = asker.another().post("/v1/lookupUsers", {"mobileNumbers": [other.number]})
    assert refused.problem(429, "rate-limited")["scope"] == "lookupsPerUser"
    other.post("/v1/lookupUsers", {"mobileNumbers": [asker.number]}).expect(200)


def test_groups_are_as_large_as_the_cap_allows(own_server):
    server = own_server(RESTANTE_LIMIT_GROUP_MEMBERS="3")
    assert server.client.get("/v1/limits").expect(200)["limits"]["groupMembers"]["value"] == 3
    alice, bob, carol, dave = (server.user() for _ in range(4))
    body = {"name": "four", "memberIds": [bob.user_id, carol.user_id, dave.user_id]}
    alice.post("/v1/createGroup", body).problem(422, "group-full")
    group = alice.create_group(bob, carol)
    assert group["memberCount"] == 3
    alice.group_call("addMember", group["groupId"], dave).problem(422, "group-full")
    assert set(alice.members(group["groupId"])) == {alice.user_id, bob.user_id, carol.user_id}
    alice.group_call("removeMember", group["groupId"], bob).expect(200)
    alice.group_call("addMember", group["groupId"], dave).expect(200)
    assert bob.items("GROUP")[-1]["change"] == "memberRemoved"
    assert dave.items("GROUP")[-1]["change"] == "memberAdded"


@pytest.mark.parametrize(
    "settings",
    [
        {"RESTANTE_HOST": "0.0.0.0", "RESTANTE_OTP_DELIVERY": "log"},
        {"RESTANTE_HOST": "0.0.0.0", "RESTANTE_RATE_LIMITS": "on"},
    ],
    ids=["rate limits off", "OTP in the response"],
)
def test_what_is_for_tests_is_refused_beyond_loopback(own_server, settings, request):
    fault = {"rate limits off": "RATE_LIMITS=off", "OTP in the response": "OTP_DELIVERY=response"}[request.node.callspec.id]
    with pytest.raises(AssertionError, match=f"before it listened:(?s:.*){fault}.*loopback"):
        own_server(**settings)


def test_whoever_brings_no_good_token_has_one_bucket_for_everything(own_server):
    server = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_REQUESTS_PER_ADDRESS="6", RESTANTE_TRUSTED_PROXIES="127.0.0.1")
    alice = server.user()
    headers = [("X-Forwarded-For", "198.51.100.1")]

    def ask(path, token=None, headers=headers):
        return server.client.get(path, token, headers=headers)

    statuses = [ask(path).status for path in ("/v1/limits", "/openapi.yaml", "/openapi.json", "/problems/not-found")]
    statuses += [ask("/v1/getUser", token="never-was-one").status for _ in range(3)]
    assert statuses == [200, 200, 200, 200, 401, 401, 429]
    for refused in (ask("/v1/getUser", token="never-was-one"), ask("/openapi.json")):
        assert refused.problem(429, "rate-limited")["scope"] == "requestsPerAddress"
        assert 1 <= retry_after(refused) <= 10
    # Nobody else is held up: other clients, who has a good token, and probes.
    ask("/v1/limits", headers=[("X-Forwarded-For", "198.51.100.2")]).expect(200)
    ask("/v1/getUser", token=alice.token).expect(200)
    for _ in range(10):
        for probe in ("/healthz", "/readyz", "/metrics"):
            ask(probe).expect(200)


def fields(answer):
    """The policy and the standing that an answer tells of: (name, parameters) each, None where it tells of none."""

    def item(text):
        if text is None:
            return None
        name, *parameters = text.split(";")
        assert name[0] == name[-1] == '"', text
        return name.strip('"'), {key: int(value) for key, value in (parameter.split("=") for parameter in parameters)}

    return item(answer.headers.get("ratelimit-policy")), item(answer.headers.get("ratelimit"))


def test_answers_tell_what_is_left_of_a_limit(own_server):
    server = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_MESSAGES_PER_DEVICE="3")
    alice, bob = server.user(), server.user()
    left = []
    for _ in range(3):
        answer = alice.post("/v1/sendMessage", alice.message(bob))
        answer.expect(201)
        policy, standing = fields(answer)
        assert policy == ("messagesPerDevice", {"q": 3, "w": 60})
        assert standing[0] == "messagesPerDevice" and 1 <= standing[1]["t"] <= 20
        left.append(standing[1]["r"])
    assert left == [2, 1, 0]
    refused = alice.post("/v1/sendMessage", alice.message(bob))
    assert refused.problem(429, "rate-limited")["scope"] == "messagesPerDevice"
    policy, standing = fields(refused)
    assert policy == ("messagesPerDevice", {"q": 3, "w": 60})
    assert standing == ("messagesPerDevice", {"r": 0, "t": retry_after(refused)})
    assert read_metrics(server.client).value("restante_rate_limited_total", scope="messagesPerDevice") == 1
    # Whoever waits as long as he was told is served.
    assert eventually(lambda: alice.post("/v1/sendMessage", alice.message(bob)).status == 201, retry_after(refused) + 5, "there is room again")


def test_a_limit_that_all_operations_share_is_told_once_it_runs_low(own_server):
    server = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_REQUESTS_PER_DEVICE="10")
    alice = server.user()
    answers = [alice.get("/v1/getUser") for _ in range(10)]
    told = [fields(answer)[1] is not None for answer in answers]
    assert told[0] is False and told[-1] is True and told == sorted(told)
    assert fields(answers[-1])[0] == ("requestsPerDevice", {"q": 10, "w": 60})
    refused = alice.get("/v1/getUser")
    assert refused.problem(429, "rate-limited")["scope"] == "requestsPerDevice"
    assert fields(refused)[1] == ("requestsPerDevice", {"r": 0, "t": retry_after(refused)})


def test_limits_that_the_database_counts_are_told_too(own_server):
    server = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_NEW_CONTACTS_PER_DAY="1")
    asker = server.user()
    asker.post("/v1/lookupUsers", {"mobileNumbers": [new_number()]}).expect(200)
    refused = asker.post("/v1/lookupUsers", {"mobileNumbers": [new_number()]})
    refused.problem(429, "rate-limited")
    assert fields(refused) == (("newContactsPerDay", {"q": 1, "w": 86400}), ("newContactsPerDay", {"r": 0, "t": retry_after(refused)}))
    number = new_number()
    server.client.post("/v1/sendOTP", json={"mobileNumber": number}).expect(202)
    again = server.client.post("/v1/sendOTP", json={"mobileNumber": number})
    again.problem(429, "rate-limited")
    assert fields(again)[1][1]["r"] == 0


def test_changes_of_groups_joins_and_uploads_have_buckets_of_their_own(own_server):
    limits = {"GROUP_CHANGES_PER_USER": "2", "GROUP_JOINS_PER_DAY": "2", "MEDIA_UPLOADS_PER_DAY": "2"}
    server = own_server(RESTANTE_RATE_LIMITS="on", **{f"RESTANTE_LIMIT_{name}": value for name, value in limits.items()})
    alice, bob = server.user(), server.user()
    group = alice.create_group()["groupId"]
    upload = {"Tus-Resumable": "1.0.0", "Upload-Length": "7"}
    attempts = {
        "groupChangesPerUser": (201, lambda: alice.group_call("createInvite", group)),
        "groupJoinsPerDay": (404, lambda: bob.join("no such code")),
        "mediaUploadsPerDay": (201, lambda: server.client.call("POST", "/v1/media/tus", alice.token, headers=upload)),
    }
    for limit, (status, attempt) in attempts.items():
        answers = [attempt() for _ in range(3)]
        assert [answer.status for answer in answers] == [status, status, 429], limit
        assert answers[2].problem(429, "rate-limited")["scope"] == limit
        assert [fields(answer)[1][0] for answer in answers] == [limit] * 3
        assert [fields(answer)[1][1]["r"] for answer in answers] == [1, 0, 0]
    alice.group_call("updateGroup", group, name="any other change").problem(429, "rate-limited")


def test_marking_as_read_takes_from_the_limit_on_messages(own_server):
    server = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_MESSAGES_PER_DEVICE="3")
    alice, bob = server.user(), server.user()
    message = bob.send(alice)
    mark = {"senderId": bob.user_id, "messageIds": [message, message]}
    answers = [alice.post("/v1/markRead", mark) for _ in range(4)]
    assert [answer.status for answer in answers] == [204, 204, 204, 429]
    assert answers[3].problem(429, "rate-limited")["scope"] == "messagesPerDevice"
    assert [fields(answer)[1][1]["r"] for answer in answers] == [2, 1, 0, 0]
    assert [receipt["messageIds"] for receipt in bob.items("RECEIPT")] == [[message]] * 3, "each id once"


def test_nothing_is_told_where_nothing_is_limited(alice, bob):
    answer = alice.post("/v1/sendMessage", alice.message(bob))
    answer.expect(201)
    assert fields(answer) == (None, None)
