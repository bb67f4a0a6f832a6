"""Standard error: one line for one thing, in the documented form, and nothing in it that is nobody's business. Traces."""

import json
import pathlib
import re
import resource
import time

import httpx

from harness.metrics import read_metrics
from harness.people import new_number, register
from harness.waiting import eventually

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_PARENT = "00f067aa0ba902b7"


def lines(server):
    return [json.loads(line) for line in server.log_path.read_text(encoding="utf-8").splitlines()]


def request_line(server, request_id):
    """The line of that request, once it is written."""
    return eventually(lambda: next((line for line in lines(server) if line.get("requestId") == request_id), None), 5, f"the line of {request_id}")


def test_each_line_is_one_object_with_the_documented_members(own_server):
    server = own_server(RESTANTE_LOG_FORMAT="json")
    alice, bob = server.user(), server.user()
    alice.send(bob)
    server.client.get("/nowhere").problem(404, "not-found")
    server.client.get("/v1/getUser", headers={"X-Request-Id": "the-last.one"}).problem(401, "unauthenticated")
    last = request_line(server, "the-last.one")
    assert last["operation"] == "getUser" and last["outcome"] == "answered"
    assert last["status"] == 401 and isinstance(last["bytes"], int) and 0 < last["seconds"] < 10
    for line in lines(server):
        assert {"time", "level", "logger", "message"} <= line.keys(), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]), line
        assert line["level"] in ("trace", "debug", "info", "notice", "warning", "error", "critical"), line
        if line["message"] == "request":
            assert {"operation", "status", "outcome", "bytes", "seconds", "requestId", "trace_id", "span_id"} <= line.keys(), line
    operations = [line["operation"] for line in lines(server) if line["message"] == "request"]
    assert {"sendMessage", "sendOTP", "unknown"} <= set(operations)


def test_a_trace_is_carried_through(own_server):
    server = own_server(RESTANTE_LOG_FORMAT="json")

    def line(name, traceparent):
        headers = {"X-Request-Id": name} | ({"traceparent": traceparent} if traceparent else {})
        server.client.get("/healthz", headers=headers).expect(200)
        found = request_line(server, name)
        assert re.fullmatch("[0-9a-f]{32}", found["trace_id"]) and re.fullmatch("[0-9a-f]{16}", found["span_id"])
        return found

    carried = line("carried", f"00-{_TRACE}-{_PARENT}-01")
    assert carried["trace_id"] == _TRACE and carried["parent_span_id"] == _PARENT and carried["span_id"] != _PARENT
    begun = line("begun", None)
    assert "parent_span_id" not in begun
    for number, broken in enumerate([f"00-{_TRACE}-{_PARENT}-01-x", f"ff-{_TRACE}-{_PARENT}-01", f"00-{_TRACE.upper()}-{_PARENT}-01", f"00-{'0' * 32}-{_PARENT}-01", "nonsense"]):
        found = line(f"broken-{number}", broken)
        assert found["trace_id"] not in (_TRACE, "0" * 32) and "parent_span_id" not in found, broken
    # Two of them say nothing.
    fields = f"X-Request-Id: twice\r\ntraceparent: 00-{_TRACE}-{_PARENT}-01\r\nTraceparent: 00-{_TRACE}-{_PARENT}-01\r\n"
    server.client.raw_request(f"GET /healthz HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode(), "GET", "/healthz").expect(200)
    assert request_line(server, "twice")["trace_id"] != _TRACE


def test_a_broken_request_is_logged_under_the_id_that_its_client_was_told(own_server):
    server = own_server(RESTANTE_LOG_FORMAT="json")

    def refused(line, fields, status, code):
        # No operation documents what has none.
        with server.client.raw() as connection:
            connection.send(f"{line}\r\nHost: x\r\n{fields}\r\n".encode())
            answer = connection.answer("GET", "/healthz")
        answer.problem(status, code)
        assert answer.json["requestId"] == answer.headers["x-request-id"]
        assert request_line(server, answer.headers["x-request-id"])["status"] == status
        return answer.headers["x-request-id"]

    assert refused("BREW /healthz HTTP/1.1", "X-Request-Id: brewed\r\n", 501, "not-implemented") == "brewed"
    assert refused("GET /healthz HTTP/1.1", f"X-Request-Id: long\r\nX: {'x' * 4950}\r\n", 431, "headers-too-large") == "long"
    assert refused("BREW /v1/limits HTTP/1.1", "", 501, "not-implemented") != refused("GET //healthz HTTP/1.1", "", 400, "malformed-request")


def test_a_connection_too_many_is_logged_under_the_id_that_it_was_told(own_server):
    server = own_server(RESTANTE_LOG_FORMAT="json")
    server.client.close()
    open_now = len(list(pathlib.Path(f"/proc/{server.pid}/fd").iterdir()))
    before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (open_now, resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[1]))
    with server.client.raw() as first, server.client.raw() as second:
        # What has just ended may leave room for one.
        connection = first if first.something_came(2) else second
        answer = server.client.checker.check(connection.answer("GET", "/healthz"))
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
    answer.problem(503, "overloaded")
    assert answer.json["requestId"] == answer.headers["x-request-id"]
    assert request_line(server, answer.headers["x-request-id"])["message"] == "connection refused"


def test_a_request_that_a_stop_ends_is_logged_under_the_id_that_its_client_was_told(own_server):
    server = own_server(RESTANTE_LOG_FORMAT="json", RESTANTE_DRAIN_SECONDS="0")
    alice = server.user()
    alice.get("/v1/getUser").expect(200)
    with server.client.raw() as connection:
        with server.database.frozen():
            connection.send(f"GET /v1/getUser HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nX-Request-Id: stopped\r\n\r\n".encode())
            eventually(lambda: read_metrics(server.client).value("restante_requests_waiting") == 1, 2, "the request waits for the database")
            started = time.monotonic()
            server.process.terminate()
            answer = server.client.checker.check(connection.answer("GET", "/v1/getUser"))
        answer.problem(503, "draining")
        assert answer.json["requestId"] == answer.headers["x-request-id"] == "stopped"
        assert request_line(server, "stopped")["status"] == 503
    server.wait_for_exit(started)


def test_text_lines_are_lines_too(own_server):
    server = own_server()
    server.client.get("/healthz", headers={"X-Request-Id": "as-text"}).expect(200)
    eventually(lambda: "requestId=as-text" in server.log(), 5, "the request has a line")
    (line,) = [line for line in server.log().splitlines() if "requestId=as-text" in line]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info restante: request ", line)
    assert " operation=healthz " in line and " status=200" in line


def test_nothing_that_users_say_is_in_logs_or_metrics(own_server):
    canary = "canary-7f3a9e51"
    evil = f"\r\n\x1b[31m{canary}\u2028"
    for log_format in ("json", "text"):
        server = own_server(RESTANTE_LOG_FORMAT=log_format, RESTANTE_LOG_LEVEL="trace")
        client = server.client
        number = new_number()
        otp = client.post("/v1/sendOTP", json={"mobileNumber": number}).expect(202)["otp"]
        alice, bob = register(client, name=canary), server.user()
        alice.send(bob, f"{canary} says hello {evil}")
        group = alice.create_group(bob, name=canary)
        alice.send_group(group["groupId"], canary)
        bob.empty_inbox()
        alice.post("/v1/lookupUsers", {"mobileNumbers": [bob.number]}).expect(200)
        # What is refused is nobody's business either, wherever it stood.
        client.post("/v1/register", json={"mobileNumber": number, "otp": f"{int(otp):06d}x", "device": {"name": canary, "type": "cli"}}).problem(400, "invalid-request")
        client.post("/v1/sendOTP", json={"mobileNumber": canary, canary: evil}).problem(400, "unknown-parameter")
        client.get(f"/{canary}/%C2%85", token=canary).problem(404, "not-found")
        client.get(f"/v1/getUser?{canary}={canary}", token=canary).problem(401, "invalid-token")
        client.call("GET", "/healthz", headers={"User-Agent": canary, "X-Request-Id": f"{canary} not an id", "traceparent": canary, "tracestate": canary}).expect(200)
        httpx.request("BREW", f"http://{client.host}:{client.port}/{canary}", headers={"X-Other": canary})
        alice.post("/v1/logout").expect(204)
        client.get("/healthz", headers={"X-Request-Id": "the-last-one"}).expect(200)
        eventually(lambda: "the-last-one" in server.log(), 5, "everything is logged")  # noqa: B023
        metrics = client.get("/metrics").body.decode()
        read_metrics(client)
        log = server.log_path.read_text(encoding="utf-8")
        assert log.count("sendMessage") >= 1
        for secret in (canary, alice.token, alice.refresh_token, bob.token, number, number[1:], alice.number[1:], bob.number[1:]):
            assert secret not in metrics
            assert secret not in log, next(line for line in log.splitlines() if secret in line)
        for line in log.splitlines():
            # As a word of its own: six digits may stand in an id or a fraction by chance.
            assert not re.search(rf"(?<![\w.-]){otp}(?![\w-])", line), line
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028]", line), line
