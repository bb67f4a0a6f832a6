"""400 malformed-json: what is no JSON that may be read, and where."""

import pytest

from harness.people import new_number


def send_otp(client, content):
    return client.call("POST", "/v1/sendOTP", content=content)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b'{"mobileNumber": }', 1),
        (b'{"mobileNumber": "+491701234567"', 1),
        (b'{"mobileNumber": "+491701234567",}', 1),
        (b"{'mobileNumber': '+491701234567'}", 1),
        (b'{\n  "mobileNumber": "+491701234567",\n  channel\n}', 3),
        (b'{\n\n\n"mobileNumber": nothing}', 4),
        (b'{"mobileNumber": 01}', 1),
        (b'{"mobileNumber": "+491701234567"} {}', 1),
        (b'{"mobileNumber": "+491701234567"}\n\nx', 3),
        (b'{"mobileNumber": NaN}', 1),
        (b'{"mobileNumber": 1e999}', 1),
        (b'{"mobileNumber": "a\nb"}', 1),
        (b'{"mobileNumber": "\\x41"}', 1),
        (b'{"mobileNumber": "\\ud800"}', 1),
        (b"\xef\xbb\xbf{}", 1),
        (b"mobileNumber", 1),
        (b'"text"', 1),
        (b" ", 1),
    ],
)
def test_a_syntax_error_is_named_with_its_line_and_column(client, body, line):
    problem = send_otp(client, body).problem(400, "malformed-json")
    assert problem["line"] == line
    assert problem["retryable"] is False


def test_the_column_is_where_the_fault_is(client):
    body = b'{"mobileNumber": "+491701234567", "channel": sms}'
    problem = send_otp(client, body).problem(400, "malformed-json")
    start = body.index(b"sms") + 1
    assert start <= problem["column"] <= start + len("sms}")


def test_the_column_counts_from_the_start_of_its_line(client):
    problem = send_otp(client, b'{"mobileNumber":\n\n   "+491701234567",\n  @}').problem(400, "malformed-json")
    assert problem["line"] == 4
    assert 2 <= problem["column"] <= 4


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b'{"mobileNumber": "+491701234567", "mobileNumber": "+491701234568"}', 1),
        (b'{"mobileNumber": "+491701234567",\n "channel": "sms",\n "channel": "voice"}', 3),
        (b'{"mobileNumber": "+491701234567", "mobile\\u004eumber": "+491701234567"}', 1),
        (b'{"a": {"b": 1,\n"b": 2}}', 2),
    ],
)
def test_a_duplicate_member_is_malformed(client, body, line):
    problem = send_otp(client, body).problem(400, "malformed-json")
    assert problem["line"] == line


@pytest.mark.parametrize(
    "body", [b'{"mobileNumber": "a\\u0000b"}', b'{"mobileNumber": "a\x00b"}', b'{"a\\u0000b": 1}', b"\x00", b'{"mobileNumber": "+49"}\x00']
)
def test_a_nul_is_malformed(client, body):
    send_otp(client, body).problem(400, "malformed-json")


@pytest.mark.parametrize(
    "text",
    [b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xe2\x82"],
    ids=["no such byte", "cut short", "overlong", "surrogate", "beyond Unicode", "stray continuation", "three bytes cut short"],
)
def test_invalid_utf8_is_malformed(client, text):
    problem = send_otp(client, b'{"mobileNumber":\n"' + text + b'"}').problem(400, "malformed-json")
    assert problem["line"] == 2


def nested(levels, opening=b"[", closing=b"]"):
    """An updateUser body of that depth, the outermost object counted."""
    return b'{"name": ' + opening * (levels - 1) + closing * (levels - 1) + b"}"


def test_depth_32_is_read_and_33_is_malformed(client, alice):
    answer = client.call("POST", "/v1/updateUser", alice.token, content=nested(32))
    problem = answer.problem(400, "invalid-request")
    assert problem["errors"][0]["pointer"] == "/name"
    client.call("POST", "/v1/updateUser", alice.token, content=nested(33)).problem(400, "malformed-json")


def test_depth_counts_objects_as_well_as_arrays(client, alice):
    deep = b'{"name": ' + b'{"a":' * 30 + b"{}" + b"}" * 30 + b"}"
    client.call("POST", "/v1/updateUser", alice.token, content=deep).problem(400, "invalid-request")
    deeper = b'{"name": ' + b'{"a":' * 31 + b"{}" + b"}" * 31 + b"}"
    client.call("POST", "/v1/updateUser", alice.token, content=deeper).problem(400, "malformed-json")


def test_sixty_thousand_levels_are_malformed_and_do_no_harm(client):
    send_otp(client, b"[" * 60_000).problem(400, "malformed-json")
    client.get("/healthz").expect(200)


def test_brackets_inside_a_string_have_no_depth(client, alice):
    profile = client.post("/v1/updateUser", alice.token, {"profileStatus": "[" * 100 + '\\"{'}).expect(200)
    assert profile["profileStatus"] == "[" * 100 + '\\"{'


def test_escapes_and_white_space_are_read(client):
    number = new_number()
    escaped = "".join(f"\\u{ord(character):04x}" for character in number)
    send_otp(client, f' \r\n\t{{ "mobile\\u004eumber" : "{escaped}" }}\n'.encode()).expect(202)
