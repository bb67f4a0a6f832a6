"""GET /metrics: the format, and that the numbers are those of what happened."""

from harness.metrics import read_metrics
from harness.waiting import eventually


def test_the_metrics_are_prometheus_text(client):
    metrics = read_metrics(client)
    for family in metrics.families.values():
        assert family.documentation, f"{family.name} says what it is"
        assert family.type in ("counter", "gauge", "histogram"), f"{family.name} is {family.type}"
        assert family.name.startswith(("restante_", "process_")), family.name


def test_histograms_add_up(client, alice):
    alice.get("/v1/getUser").expect(200)
    metrics = read_metrics(client)
    histograms = [family for family in metrics.families.values() if family.type == "histogram"]
    assert histograms
    for family in histograms:
        series = {}
        for sample in family.samples:
            labels = frozenset((name, value) for name, value in sample.labels.items() if name != "le")
            series.setdefault(labels, {"buckets": []})
            if sample.name.endswith("_bucket"):
                series[labels]["buckets"].append((float(sample.labels["le"]), sample.value))
            else:
                series[labels][sample.name.removeprefix(family.name)] = sample.value
        for labels, one in series.items():
            bounds, counts = zip(*one["buckets"], strict=True)
            assert list(bounds) == sorted(set(bounds)) and bounds[-1] == float("inf"), (family.name, labels)
            assert list(counts) == sorted(counts), (family.name, labels)
            assert counts[-1] == one["_count"], (family.name, labels)
            assert one["_sum"] >= 0, (family.name, labels)


def test_requests_are_counted_by_operation_and_status(client, alice, bob):
    name = "restante_http_requests_total"
    before = read_metrics(client)
    for _ in range(3):
        alice.send(bob)
    client.get("/v1/getUser").problem(401, "unauthenticated")
    client.get("/nowhere").problem(404, "not-found")
    expected = [("sendMessage", "201", 3), ("getUser", "401", 1), ("unknown", "404", 1)]

    def increases():
        after = read_metrics(client)
        grown = lambda sample, **labels: after.value(sample, **labels) - before.value(sample, **labels)  # noqa: E731
        return (
            all(grown(name, operation=operation, status=status) >= count for operation, status, count in expected)
            and grown("restante_http_request_duration_seconds_count", operation="sendMessage") >= 3
            and grown("restante_problems_total", code="unauthenticated") >= 1
        )

    # A request is counted once its answer has left, which its client may know first.
    eventually(increases, 5, "the requests are counted")


def test_metrics_take_no_parameter(client):
    client.get("/metrics?name=up").problem(400, "unknown-parameter")


def test_polls_are_counted_while_they_are_held_and_by_how_they_end(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    value = lambda name, **labels: read_metrics(server.client).value(name, **labels)  # noqa: E731
    ended = lambda ending: value("restante_polls_ended_total", ending=ending)  # noqa: E731
    with bob.hold() as poll:
        eventually(lambda: value("restante_polls_held") == 1, 5, "the poll is held")
        alice.send(bob)
        assert len(poll.inbox(5)["messages"]) == 1
    eventually(lambda: value("restante_polls_held") == 0, 5, "the poll is over")
    assert ended("items") == 1
    assert value("restante_wake_to_answer_seconds_count") == 1
    assert value("restante_wake_to_answer_seconds_bucket", le="1") == 1
    bob.empty_inbox()
    with bob.hold() as first, bob.hold() as second:
        assert first.inbox(5)["superseded"] is True
        alice.typing(bob)
        assert second.inbox(5)["ephemeral"]
    assert ended("superseded") == 1 and ended("ephemeral") == 1
    bob.hold().hang_up()
    eventually(lambda: ended("abandoned") == 1, 10, "the hang-up is noticed")
    with bob.hold(wait=1) as poll:
        poll.inbox(5)
    assert ended("empty") == 1
    with bob.hold() as poll:
        eventually(lambda: value("restante_polls_held") == 1, 5, "the poll is held")
        bob.post("/v1/logout").expect(204)
        poll.answer(5).problem(401, "session-revoked")
    assert ended("revoked") == 1
    assert value("restante_polls_opened_total") == sum(ended(ending) for ending in ("items", "ephemeral", "empty", "superseded", "revoked", "abandoned"))
    # A poll that waited tells nothing of how fast the server answers; those with no wait do.
    assert value("restante_http_request_duration_seconds_count", operation="acknowledgeAndFetch") == 0


def test_what_the_writers_did_is_counted(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    body = alice.message(bob)
    alice.post("/v1/sendMessage", body).expect(201)
    alice.post("/v1/sendMessage", body).expect(200)
    bob.empty_inbox()
    group = alice.create_group(bob)
    alice.send_group(group["groupId"])
    metrics = read_metrics(server.client)
    assert metrics.value("restante_writer_items_total", work="sent") == 2
    assert metrics.value("restante_writer_items_total", work="replayed") == 1
    # The message and its receipt; the message to the group.
    assert metrics.value("restante_writer_items_total", work="delivered") == 3
    assert metrics.value("restante_writer_items_total", work="acknowledged") == 1
    assert metrics.value("restante_writer_batch_tasks_count", batch="groups") == 1
    assert metrics.value("restante_writer_commit_seconds_count", batch="users") >= 4
    assert metrics.value("restante_writer_commit_seconds_sum", batch="users") > 0
    assert metrics.value("restante_writer_queue_wait_seconds_count") >= 5
    assert metrics.value("restante_writer_batch_failures_total", then="refused") == 0
    assert metrics.value("restante_pool_wait_seconds_count") > 0
    assert metrics.value("restante_pool_sessions", state="configured") == 4


def test_the_process_and_its_build_are_shown(client):
    metrics = read_metrics(client)
    assert metrics.value("process_resident_memory_bytes") > 1 << 20
    assert metrics.value("process_cpu_seconds_total") > 0
    assert metrics.value("process_max_fds") > 0
    assert metrics.value("process_start_time_seconds") > 1.6e9
    version = client.get("/openapi.json").expect(200)["info"]["version"]
    (build,) = metrics.families["restante_build_info"].samples
    assert build.value == 1 and build.labels["version"] == version
    assert metrics.value("restante_connections") >= 1
    assert ("restante_inbox_items", frozenset()) in metrics.samples


def test_nodes_show_whether_they_hear_each_other(own_server):
    first = own_server()
    second = own_server(RESTANTE_DATABASE_URL=first.database.conninfo(), RESTANTE_WAKE_BUS="database")
    eventually(lambda: read_metrics(second.client).value("restante_bus_listening") == 1, 10, "the node listens")
    assert read_metrics(second.client).value("restante_bus_sessions_total") >= 1
    assert "restante_bus_listening" not in read_metrics(first.client).families
