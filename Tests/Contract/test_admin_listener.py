"""A listener of their own for operators: what it serves, and what the public port then does not."""

import re

import httpx

from harness.client import Client
from harness.metrics import read_metrics
from harness.waiting import eventually


def admin_of(server, checker):
    """A client of the server's admin listener, whose port stands in the log."""
    found = eventually(lambda: re.search(r"admin listener.*?http://127\.0\.0\.1:(\d+)", server.log()), 5, "the admin listener is announced")
    return Client("127.0.0.1", int(found.group(1)), checker)


def test_without_one_everything_is_on_the_public_port(client):
    read_metrics(client)
    details = client.get("/readyz").expect(200)["details"]
    assert details["databaseMilliseconds"] >= 0 and details["version"]


def test_the_admin_listener_has_the_metrics_and_the_details(own_server, checker):
    server = own_server(RESTANTE_ADMIN_PORT="0")
    admin = admin_of(server, checker)
    assert admin.port != server.client.port
    server.client.get("/metrics").problem(404, "not-found")
    assert "details" not in server.client.get("/readyz").expect(200)
    server.client.get("/healthz").expect(200)
    assert admin.get("/readyz").expect(200)["details"]["pollsHeld"] == 0
    admin.get("/healthz").expect(200)
    assert read_metrics(admin).value("restante_http_requests_total", operation="unknown", status="404") >= 1
    # It serves nothing else. The contract is that of the public port, so these answers are not held against it.
    for method, path in (("GET", "/v1/limits"), ("POST", "/v1/sendOTP"), ("GET", "/openapi.yaml")):
        answer = httpx.request(method, f"http://{admin.host}:{admin.port}{path}", trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), path
    admin.close()


def test_both_listeners_end_with_the_process(own_server, checker):
    server = own_server(RESTANTE_ADMIN_PORT="0")
    admin = admin_of(server, checker)
    alice = server.user()
    with alice.hold() as poll:
        eventually(lambda: read_metrics(admin).value("restante_polls_held") == 1, 5, "the poll is held")
        assert server.terminate() < 8
        assert poll.inbox(1)["messages"] == []
    try:
        admin.get("/healthz")
        raise AssertionError("the admin listener still answers")
    except httpx.TransportError:
        pass
    admin.close()


def test_operators_are_told_why_a_node_is_not_ready(own_server, checker):
    server = own_server(RESTANTE_ADMIN_PORT="0")
    admin = admin_of(server, checker)
    with server.database.frozen():
        told = admin.get("/readyz").problem(503, "unavailable")
        assert told["detail"].startswith("The database: ")
        assert server.client.get("/readyz").problem(503, "unavailable")["detail"] != told["detail"]
        # What costs the database something is read beforehand.
        assert read_metrics(admin).value("restante_connections") >= 1
    eventually(lambda: admin.get("/readyz").status == 200, 15, "the node is ready again")
    admin.close()


def test_where_everybody_can_ask_nobody_is_told_what_the_database_said(own_server):
    server = own_server()
    assert server.client.get("/readyz").expect(200)["details"]
    with server.database.frozen():
        told = eventually(lambda: not_ready(server.client), 3, "the node is not ready")
    assert not told["detail"].startswith("The database: "), told
    eventually(lambda: re.search(r"fault.*the database: ", server.log()), 5, "the log tells it")


def test_a_node_whose_schema_is_taken_away_is_not_ready(own_server, checker):
    server = own_server(RESTANTE_ADMIN_PORT="0")
    admin = admin_of(server, checker)
    admin.get("/readyz").expect(200)
    (version,) = server.database.query("SELECT max(version) FROM schema_migrations")[0]
    server.database.query(f"UPDATE schema_migrations SET version = version + 1000 WHERE version = {version}")
    told = eventually(lambda: not_ready(admin), 3, "the node is not ready")
    assert told["detail"] == f"The database: it lacks the migrations {version}."
    server.client.get("/healthz").expect(200)
    # What is there beyond that belongs to a newer program, during a rollout.
    server.database.query(f"INSERT INTO schema_migrations (version, name, checksum) VALUES ({version}, 'x', 'x')")
    eventually(lambda: admin.get("/readyz").status == 200, 3, "the node is ready again")
    admin.close()


def not_ready(client):
    """The problem, once there is one."""
    answer = client.get("/readyz")
    return answer.problem(503, "unavailable") if answer.status != 200 else None
