"""400 unknown-parameter and invalid-request: which member or parameter, and what was meant."""

import uuid

import pytest

from harness.people import new_number, register


def pointers(problem):
    return [entry["pointer"] for entry in problem["errors"]]


def parameters(problem):
    return [entry["parameter"] for entry in problem["errors"]]


# unknown-parameter


def test_an_unknown_member_is_named_with_the_one_that_was_meant(client):
    problem = client.post("/v1/sendOTP", json={"mobilNumber": new_number()}).problem(400, "unknown-parameter")
    assert problem["didYouMean"] == "mobileNumber"
    assert pointers(problem) == ["/mobilNumber"]


def test_unknown_is_reported_before_missing_and_wrong(client):
    problem = client.post("/v1/register", json={"mobileNumber": 5, "devise": {}}).problem(400, "unknown-parameter")
    assert pointers(problem) == ["/devise"]
    assert problem["didYouMean"] == "device"


def test_a_name_that_is_near_to_nothing_gets_no_suggestion(client):
    problem = client.post("/v1/sendOTP", json={"mobileNumber": new_number(), "zzzzzzzzzz": 1}).problem(400, "unknown-parameter")
    assert "didYouMean" not in problem


def test_names_differ_by_case(client):
    problem = client.post("/v1/sendOTP", json={"mobilenumber": new_number()}).problem(400, "unknown-parameter")
    assert problem["didYouMean"] == "mobileNumber"


def test_an_unknown_member_inside_an_object_is_named_by_its_pointer(client):
    number = new_number()
    body = {"mobileNumber": number, "otp": "123456", "device": {"name": "a", "type": "cli", "typ": "ios"}}
    problem = client.post("/v1/register", json=body).problem(400, "unknown-parameter")
    assert pointers(problem) == ["/device/typ"]
    assert problem["didYouMean"] == "type"


def test_a_pointer_escapes_slashes_and_tildes(client):
    problem = client.post("/v1/sendOTP", json={"mobileNumber": new_number(), "a/b~c": 1}).problem(400, "unknown-parameter")
    assert pointers(problem) == ["/a~1b~0c"]


def test_an_unknown_query_parameter_is_named(alice):
    problem = alice.get("/v1/fetchMessages?wiat=1").problem(400, "unknown-parameter")
    assert parameters(problem) == ["wiat"]
    assert problem["didYouMean"] == "wait"


@pytest.mark.parametrize("path", ["/v1/sendOTP?x=1", "/v1/sendOTP?mobileNumber=1"])
def test_an_operation_without_query_parameters_takes_none(client, path):
    client.post(path, json={"mobileNumber": new_number()}).problem(400, "unknown-parameter")


@pytest.mark.parametrize("path", ["/v1/limits?verbose=1", "/healthz?x=1", "/v1/listDevices?limit=1"])
def test_a_get_without_query_parameters_takes_none(client, alice, path):
    problem = client.get(path, alice.token).problem(400, "unknown-parameter")
    assert len(parameters(problem)) == 1


@pytest.mark.parametrize("member", ["userId", "from", "deviceId", "sentAt", "messageId"])
def test_no_request_says_who_is_asking(alice, bob, member):
    body = alice.message(bob) | {member: bob.user_id}
    problem = alice.post("/v1/sendMessage", body).problem(400, "unknown-parameter")
    assert pointers(problem) == [f"/{member}"]


@pytest.mark.parametrize("path", ["/v1/fetchMessages?deviceId=", "/v1/fetchGroups?userId=", "/v1/listDevices?userId="])
def test_nobody_names_the_inbox_or_list_of_another(alice, bob, path):
    alice.get(path + bob.device_id).problem(400, "unknown-parameter")


# invalid-request


def test_a_missing_member_is_named(client):
    problem = client.post("/v1/sendOTP", json={}).problem(400, "invalid-request")
    assert pointers(problem) == ["/mobileNumber"]


def test_every_fault_is_listed(client):
    body = {"mobileNumber": "0170", "device": {"name": "", "type": "toaster"}}
    problem = client.post("/v1/register", json=body).problem(400, "invalid-request")
    assert sorted(pointers(problem)) == ["/device/name", "/device/type", "/mobileNumber", "/otp"]


@pytest.mark.parametrize(
    "number",
    [
        "",
        "+",
        "491701234567",
        "+0491701234567",
        "+49 170 1234567",
        "+49",
        "+1234567890123456",
        "+49170123456a",
        "+４９1701234567",
        491701234567,
        True,
        [],
        {},
    ],
)
def test_a_mobile_number_that_is_not_e164_is_out_of_range(client, number):
    problem = client.post("/v1/sendOTP", json={"mobileNumber": number}).problem(400, "invalid-request")
    assert pointers(problem) == ["/mobileNumber"]


@pytest.mark.parametrize("otp", ["12345", "1234567", "12345a", "", "１２３４５６", 123456, "+12345", " 12345"])
def test_an_otp_is_six_digits(client, otp):
    body = {"mobileNumber": new_number(), "otp": otp, "device": {"name": "a", "type": "cli"}}
    problem = client.post("/v1/register", json=body).problem(400, "invalid-request")
    assert pointers(problem) == ["/otp"]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/sendOTP", {"mobileNumber": None}, "/mobileNumber"),
        ("/v1/sendOTP", {"mobileNumber": "+491701234567", "channel": None}, "/channel"),
        ("/v1/sendOTP", {"mobileNumber": "+491701234567", "channel": "pigeon"}, "/channel"),
        ("/v1/refreshToken", {"refreshToken": None}, "/refreshToken"),
        ("/v1/refreshToken", {}, "/refreshToken"),
    ],
)
def test_a_null_or_a_value_out_of_range_is_invalid(client, path, body, pointer):
    problem = client.post(path, json=body).problem(400, "invalid-request")
    assert pointers(problem) == [pointer]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/updateUser", {"name": None}, "/name"),
        ("/v1/updateUser", {"name": "n" * 101}, "/name"),
        ("/v1/updateUser", {"profileStatus": "n" * 501}, "/profileStatus"),
        ("/v1/updateUser", {"privacy": {"lastSeen": "friends"}}, "/privacy/lastSeen"),
        ("/v1/updateUser", {"privacy": {"readReceipts": "yes"}}, "/privacy/readReceipts"),
        ("/v1/updateUser", {"privacy": []}, "/privacy"),
        ("/v1/updateUser", {"notificationTokens": [{"token": "t", "type": "PIGEON"}]}, "/notificationTokens/0/type"),
        ("/v1/lookupUsers", {}, "/mobileNumbers"),
        ("/v1/lookupUsers", {"mobileNumbers": ["+491701234567", "0170"]}, "/mobileNumbers/1"),
        ("/v1/lookupUsers", {"mobileNumbers": ["+491701234567"] * 501}, "/mobileNumbers"),
        ("/v1/removeDevice", {"deviceId": "none"}, "/deviceId"),
        ("/v1/acknowledge", {}, "/messageIds"),
        ("/v1/acknowledge", {"messageIds": "all"}, "/messageIds"),
        ("/v1/acknowledge", {"messageIds": [5]}, "/messageIds/0"),
        ("/v1/acknowledge", {"messageIds": ["00000000-0000-7000-8000-00000000000g"]}, "/messageIds/0"),
        ("/v1/acknowledge", {"messageIds": [str(uuid.UUID(int=number)) for number in range(501)]}, "/messageIds"),
        ("/v1/markRead", {"messageIds": ["00000000-0000-7000-8000-000000000000"]}, "/senderId"),
        ("/v1/fetchMessages", {"wait": 56}, "/wait"),
        ("/v1/fetchMessages", {"wait": -1}, "/wait"),
        ("/v1/fetchMessages", {"wait": 1.5}, "/wait"),
        ("/v1/fetchMessages", {"wait": "1"}, "/wait"),
        ("/v1/fetchMessages", {"limit": 0}, "/limit"),
        ("/v1/fetchMessages", {"limit": 501}, "/limit"),
        ("/v1/fetchMessages", {"acknowledge": {}}, "/acknowledge"),
        ("/v1/createGroup", {}, "/name"),
        ("/v1/createGroup", {"name": ""}, "/name"),
        ("/v1/createGroup", {"name": "n" * 101}, "/name"),
        ("/v1/createGroup", {"name": "choir", "memberIds": ["somebody"]}, "/memberIds/0"),
        ("/v1/addMember", {"groupId": "00000000-0000-7000-8000-000000000000"}, "/userId"),
        ("/v1/leaveGroup", {"groupId": 7}, "/groupId"),
    ],
)
def test_what_is_wrong_is_named_by_its_pointer(alice, path, body, pointer):
    problem = alice.post(path, body).problem(400, "invalid-request")
    assert pointers(problem) == [pointer]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"to": None}, "/to"),
        ({"to": "bob"}, "/to"),
        ({"type": "SHOUT"}, "/type"),
        ({"type": "text"}, "/type"),
        ({"content": 5}, "/content"),
        ({"clientMessageId": "one"}, "/clientMessageId"),
        ({"forwarded": "yes"}, "/forwarded"),
        ({"replyTo": "above"}, "/replyTo"),
    ],
)
def test_a_send_with_a_wrong_member_is_refused(alice, bob, change, pointer):
    problem = alice.post("/v1/sendMessage", alice.message(bob) | change).problem(400, "invalid-request")
    assert pointers(problem) == [pointer]
    assert bob.texts() == []


@pytest.mark.parametrize("absent", ["to", "type", "content", "clientMessageId"])
def test_a_send_with_a_missing_member_is_refused(alice, bob, absent):
    body = alice.message(bob)
    del body[absent]
    problem = alice.post("/v1/sendMessage", body).problem(400, "invalid-request")
    assert pointers(problem) == [f"/{absent}"]


def test_typing_has_no_content(alice, bob):
    body = {"to": bob.user_id, "type": "TYPING", "content": "..."}
    problem = alice.post("/v1/sendMessage", body).problem(400, "invalid-request")
    assert pointers(problem) == ["/content"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("wait=56", "wait"),
        ("wait=-1", "wait"),
        ("wait=", "wait"),
        ("wait=1.0", "wait"),
        ("wait=%2B1", "wait"),
        ("wait=99999999999999999999", "wait"),
        ("wait=%D9%A1", "wait"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("after=last", "after"),
        ("fromTimestamp=yesterday", "fromTimestamp"),
        ("fromTimestamp=2026-02-30T00:00:00.000Z", "fromTimestamp"),
        ("channelId=bob", "channelId"),
        ("wait=0&wait=0", "wait"),
    ],
)
def test_a_query_parameter_out_of_range_is_named(alice, query, parameter):
    problem = alice.get(f"/v1/fetchMessages?{query}").problem(400, "invalid-request")
    assert parameters(problem) == [parameter]


@pytest.mark.parametrize("path", ["/v1/fetchGroups?limit=201", "/v1/fetchGroups?limit=0"])
def test_a_page_has_one_to_two_hundred_entries(alice, path):
    problem = alice.get(path).problem(400, "invalid-request")
    assert parameters(problem) == ["limit"]


def test_a_required_query_parameter_that_is_missing_is_named(alice):
    problem = alice.get("/v1/fetchGroupMembers").problem(400, "invalid-request")
    assert parameters(problem) == ["groupId"]


def test_a_body_that_is_no_object_is_invalid(client):
    problem = client.post("/v1/sendOTP", json=[]).problem(400, "invalid-request")
    assert pointers(problem) == [""]


def test_ids_are_read_in_either_case(alice, bob):
    assert alice.get(f"/v1/getUser?userId={bob.user_id.upper()}").expect(200)["userId"] == bob.user_id


def test_names_are_measured_in_characters(client):
    device = register(client, name="ü" * 100)
    assert device.get("/v1/getUser").expect(200)["name"] == "ü" * 100


def test_server_made_ids_are_version_7_and_rise(alice, bob):
    ids = [uuid.UUID(alice.send(bob)) for _ in range(20)]
    assert all(identifier.version == 7 and identifier.variant == uuid.RFC_4122 for identifier in ids)
    assert ids == sorted(ids)
