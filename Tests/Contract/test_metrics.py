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
