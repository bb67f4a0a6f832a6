"""What every answer has, and the errors that any request can meet."""

import re

import pytest

from harness.people import new_number, new_uuid

# 404 and 405


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v2/sendOTP",
        "/v1/sendOTP/",
        "/v1/sendotp",
        "/V1/sendOTP",
        "/problems",
        "/problems/",
        "/problems/none-such",
    ],
)
def test_an_unknown_path_is_not_found(client, path):
    client.get(path).problem(404, "not-found")


def test_an_unknown_path_is_not_found_whatever_the_method(client):
    client.post("/v1/nothing", json={}).problem(404, "not-found")
    client.call("DELETE", "/v1/nothing").problem(404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/sendOTP", {"POST"}),
        ("DELETE", "/v1/sendMessage", {"POST"}),
        ("PUT", "/v1/fetchMessages", {"GET", "HEAD", "POST"}),
        ("POST", "/v1/listDevices", {"GET", "HEAD"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("PATCH", "/v1/updateUser", {"POST"}),
        ("OPTIONS", "/v1/getUser", {"GET", "HEAD"}),
        ("TRACE", "/v1/limits", {"GET", "HEAD"}),
        ("DELETE", "/problems/not-found", {"GET", "HEAD"}),
    ],
)
def test_a_method_that_is_not_offered_gets_405_with_those_that_are(client, method, path, allow):
    answer = client.call(method, path, content=b"{}" if method in ("POST", "PUT", "PATCH") else None)
    answer.problem(405, "method-not-allowed")
    assert {name.strip() for name in answer.headers["allow"].split(",")} == allow


def test_head_of_a_post_operation_is_not_allowed(client):
    answer = client.call("HEAD", "/v1/sendOTP")
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


# HEAD


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.yaml", "/openapi.json", "/v1/limits", "/problems/not-found"])
def test_head_works_where_get_does(client, path):
    got, head = client.get(path), client.call("HEAD", path)
    assert (head.status, head.headers["content-type"]) == (got.status, got.headers["content-type"])
    length = int(head.headers["content-length"])
    # How long the database took is told in one digit or in two.
    assert length > 0 if path == "/readyz" else length == len(got.body) > 0


def test_head_works_with_a_token_and_deletes_nothing(client, alice, bob):
    alice.send(bob, "still here")
    assert client.call("HEAD", "/v1/fetchMessages", bob.token).status == 200
    assert client.call("HEAD", "/v1/getUser", bob.token).status == 200
    assert client.call("HEAD", "/v1/getUser").status == 401
    assert bob.texts() == ["still here"]


# 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YWxpY2U6c2VjcmV0"}, {"Authorization": "Token abc"}])
def test_no_bearer_credentials_are_unauthenticated(client, headers):
    client.call("GET", "/v1/getUser", headers=headers).problem(401, "unauthenticated")


@pytest.mark.parametrize("token", ["nonsense", "a" * 500, "a.b.c", "00000000-0000-7000-8000-000000000000"])
def test_a_token_that_nobody_was_given_is_invalid(client, token):
    client.get("/v1/getUser", token).problem(401, "invalid-token")


def test_a_refresh_token_is_no_access_token(client, alice):
    client.get("/v1/getUser", alice.refresh_token).problem(401, "invalid-token")


def test_the_scheme_is_read_in_any_case(client, alice):
    client.call("GET", "/v1/getUser", headers={"Authorization": f"bearer {alice.token}"}).expect(200)


def test_an_access_token_past_its_time_is_expired(own_server):
    server = own_server(RESTANTE_ACCESS_TOKEN_SECONDS="60")
    device = server.user()
    assert device.session["expiresIn"] == 60
    server.database.query("UPDATE sessions SET access_expires_at = now() - interval '1 second'")
    # A server that has just started remembers no session, so it reads the row.
    server.terminate()
    server.start()
    device.get("/v1/getUser").problem(401, "token-expired")
    device.adopt(server.client.post("/v1/refreshToken", json={"refreshToken": device.refresh_token}).expect(200))
    device.get("/v1/getUser").expect(200)


@pytest.mark.parametrize("content", [b"{", b'{"unknown": 1}', b"\xff", b"x" * 100_000])
def test_who_is_asking_is_settled_before_the_body_is_looked_at(client, content):
    client.call("POST", "/v1/sendMessage", content=content).problem(401, "unauthenticated")
    client.call("POST", "/v1/sendMessage", "nonsense", content=content).problem(401, "invalid-token")


def test_who_is_asking_is_settled_before_the_media_type_and_the_parameters(client):
    client.call("POST", "/v1/sendMessage", content=b"<a/>", headers={"Content-Type": "text/xml"}).problem(401, "unauthenticated")
    client.get("/v1/fetchMessages?wiat=1").problem(401, "unauthenticated")


def test_every_operation_of_the_specification_asks_for_a_token_unless_it_is_public(client, specification):
    public = {"sendOTP", "register", "login", "refreshToken", "limits"}
    seen = set()
    for (method, template), operation in specification.operations.items():
        if not template.startswith("/v1/") or operation["operationId"] in public:
            continue
        content = b"{}" if method == "POST" else None
        answer = client.call(method, template, content=content)
        if method == "HEAD":
            # It has no body to say why.
            answer.expect(401)
        else:
            answer.problem(401, "unauthenticated")
        seen.add(operation["operationId"])
    assert {"sendMessage", "fetchMessages", "acknowledgeAndFetch", "logout", "leaveGroup", "fetchGroupMembers"} <= seen


# 415


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", "application/json-patch+json"]
)
def test_a_body_that_is_not_json_is_unsupported(client, alice, media_type):
    headers = {"Content-Type": media_type}
    client.call("POST", "/v1/updateUser", alice.token, content=b'{"name": "x"}', headers=headers).problem(415, "unsupported-media-type")


def test_a_body_without_a_content_type_is_unsupported(client):
    body = b'{"mobileNumber": "+491701234567"}'
    request = b"POST /v1/sendOTP HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    client.raw_request(request, "POST", "/v1/sendOTP").problem(415, "unsupported-media-type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF-8"'])
def test_json_is_json_with_its_parameters_and_in_any_case(client, media_type):
    client.call("POST", "/v1/sendOTP", content=f'{{"mobileNumber": "{new_number()}"}}'.encode(), headers={"Content-Type": media_type}).expect(202)


# X-Request-Id


@pytest.mark.parametrize("request_id", ["a", "A" * 64, "0-9.A_z", "--", "."])
def test_the_request_id_of_the_client_is_echoed(client, request_id):
    assert client.call("GET", "/healthz", headers={"X-Request-Id": request_id}).headers["x-request-id"] == request_id


@pytest.mark.parametrize("request_id", ["", "A" * 65, "a b", "a/b", "a,b", "ü".encode("latin-1"), "a\tb"])
def test_a_request_id_of_another_form_is_replaced(client, request_id):
    answer = client.call("GET", "/healthz", headers={"X-Request-Id": request_id})
    assert answer.headers["x-request-id"] != request_id
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer.headers["x-request-id"])


def test_requests_without_an_id_get_different_ones(client):
    assert len({client.get("/healthz").headers["x-request-id"] for _ in range(20)}) == 20


def test_a_problem_names_the_request_of_the_client(client):
    problem = client.call("GET", "/v1/getUser", headers={"X-Request-Id": "mine-1"}).problem(401, "unauthenticated")
    assert problem["requestId"] == "mine-1"


# Problem pages


def test_every_problem_code_has_a_page_that_names_it(client, specification):
    codes = specification.problem_codes()
    assert {"not-found", "malformed-json", "rate-limited", "draining", "otp-expired"} <= codes
    for code in sorted(codes):
        page = client.get(f"/problems/{code}")
        page.expect(200)
        assert code in page.body.decode(), f"the page of {code} does not name it"
        assert len(page.body) > 200, f"the page of {code} explains nothing"


def test_the_type_of_a_problem_leads_to_its_page(client):
    problem = client.get("/v1/getUser").problem(401, "unauthenticated")
    client.get(problem["type"]).expect(200)


# What may not be seen


@pytest.mark.parametrize("path", ["/v1/getUser?userId=", "/v1/fetchGroupMembers?groupId="])
def test_what_does_not_exist_is_not_found(alice, path):
    alice.get(path + new_uuid()).problem(404, "not-found")


def test_health_and_readiness_ask_for_no_token(client):
    client.get("/healthz").expect(200)
    client.get("/readyz").expect(200)


def test_limits_are_served_by_name_with_value_and_unit(client):
    limits = client.get("/v1/limits").expect(200)["limits"]
    assert limits["groupMembers"]["value"] == 1024
    assert "otpPerNumber" in limits
    assert all(isinstance(limit["value"], int) and limit["unit"] for limit in limits.values())
