"""413: bodies, and contents, that are too large."""

import pytest

from harness.people import new_number

BODY_LIMIT = 128 * 1024
CONTENT_LIMIT = 64 * 1024


def padded(length):
    """A sendOTP body of that many bytes."""
    body = b'{"mobileNumber": "%s"' % new_number().encode()
    return body + b" " * (length - len(body) - 1) + b"}"


def head(path, length, more=b""):
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n" % (path, length, more)


def test_a_body_of_128_kib_is_read(client):
    client.call("POST", "/v1/sendOTP", content=padded(BODY_LIMIT)).expect(202)


def test_one_byte_more_is_too_large(client):
    problem = client.call("POST", "/v1/sendOTP", content=padded(BODY_LIMIT + 1)).problem(413, "too-large")
    assert problem["maxBytes"] == BODY_LIMIT
    assert problem["retryable"] is False


@pytest.mark.parametrize("length", [BODY_LIMIT + 1, 10 * BODY_LIMIT, 2**31, 2**62])
def test_a_declared_length_is_refused_before_the_body_is_read(client, length):
    # Not one byte of the body is sent, and the answer comes all the same.
    answer = client.raw_request(head(b"/v1/sendOTP", length), "POST", "/v1/sendOTP", within=3)
    assert answer.problem(413, "too-large")["maxBytes"] == BODY_LIMIT


def test_a_client_that_asks_first_is_refused_without_100_continue(client):
    with client.raw() as connection:
        connection.send(head(b"/v1/sendOTP", BODY_LIMIT + 1, b"Expect: 100-continue\r\n"))
        assert connection.something_came(3)
        assert connection.socket.recv(12) == b"HTTP/1.1 413"


def test_a_client_that_asks_first_is_told_to_go_on(client):
    body = padded(1000)
    with client.raw() as connection:
        connection.send(head(b"/v1/sendOTP", len(body), b"Expect: 100-continue\r\n"))
        assert connection.something_came(3)
        assert connection.socket.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(body)
        client.checker.check(connection.answer("POST", "/v1/sendOTP")).expect(202)


def chunked(body, size):
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


CHUNKED_HEAD = b"POST /v1/sendOTP HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_chunked_body_is_read(client):
    client.raw_request(CHUNKED_HEAD + chunked(padded(BODY_LIMIT), 4000), "POST", "/v1/sendOTP").expect(202)


def test_a_chunked_body_is_too_large_as_well(client):
    answer = client.raw_request(CHUNKED_HEAD + chunked(padded(BODY_LIMIT + 1), 4000), "POST", "/v1/sendOTP")
    assert answer.problem(413, "too-large")["maxBytes"] == BODY_LIMIT


@pytest.mark.parametrize(
    "content", ["a" * CONTENT_LIMIT, "é" * (CONTENT_LIMIT // 2), "😀" * (CONTENT_LIMIT // 4)], ids=["1 byte", "2 bytes", "4 bytes"]
)
def test_a_content_of_64_kib_is_delivered_whole(alice, bob, content):
    alice.send(bob, content)
    assert bob.texts() == [content]


@pytest.mark.parametrize("content", ["a" * (CONTENT_LIMIT + 1), "é" * (CONTENT_LIMIT // 2) + "a", "😀" * (CONTENT_LIMIT // 4 + 1)])
def test_a_content_over_64_kib_is_too_large(alice, bob, content):
    problem = alice.post("/v1/sendMessage", alice.message(bob, content)).problem(413, "too-large")
    assert problem["maxBytes"] == CONTENT_LIMIT
    assert bob.texts() == []


def test_a_content_over_64_kib_is_too_large_for_a_group(alice, bob):
    group = alice.create_group(bob)
    body = {
        "groupId": group["groupId"],
        "type": "TEXT",
        "content": "a" * (CONTENT_LIMIT + 1),
        "clientMessageId": "0b4fb5f6-7ac4-4f3e-9a55-1a1b1a8cf1d4",
    }
    assert alice.post("/v1/sendGroupMessage", body).problem(413, "too-large")["maxBytes"] == CONTENT_LIMIT


def test_a_refused_body_does_not_become_the_next_request(client):
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with client.raw() as connection:
        connection.send(head(b"/v1/sendOTP", BODY_LIMIT + len(smuggled)) + smuggled)
        client.checker.check(connection.answer("POST", "/v1/sendOTP")).problem(413, "too-large")
        assert connection.ended(3)
