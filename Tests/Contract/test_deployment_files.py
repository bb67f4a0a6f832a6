"""The dashboard and the alerts under deploy/ ask for what /metrics shows."""

import json
import re

import promql_parser
import pytest
import yaml

from harness.metrics import read_metrics
from harness.specification import ROOT, Specification
from harness.waiting import eventually

_DASHBOARD = json.loads((ROOT / "deploy/grafana/restante.json").read_text(encoding="utf-8"))
_ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text(encoding="utf-8"))
_PANELS = [panel for panel in _DASHBOARD["panels"] if panel["type"] != "row"]
_RULES = [rule for group in _ALERTS["groups"] for rule in group["rules"]]
_EXPRESSIONS = [(panel["title"], target["expr"]) for panel in _PANELS for target in panel["targets"]] + [(rule["alert"], rule["expr"]) for rule in _RULES]
_STATUSES = {status for _, status, _ in Specification().responses()}
# Labels that the collector adds.
_OF_THE_COLLECTOR = {"instance", "job", "le"}


@pytest.fixture(scope="module")
def metrics(server, checker):
    """The metrics of a node that has others, with some requests behind it."""
    from harness.server import Server

    node = Server(checker, {"RESTANTE_DATABASE_URL": server.database.conninfo(), "RESTANTE_WAKE_BUS": "database"})
    try:
        node.start()
        node.user().get("/v1/getUser").expect(200)
        read = lambda: read_metrics(node.client)  # noqa: E731
        eventually(lambda: read().value("restante_http_request_duration_seconds_count", operation="getUser") > 0, 5, "the request is counted")
        eventually(lambda: "restante_inbox_items" in read().families, 10, "the inbox was looked at")
        yield read()
        node.terminate()
    finally:
        node.discard()


@pytest.mark.parametrize(("where", "expression"), _EXPRESSIONS, ids=[f"{where}-{index}" for index, (where, _) in enumerate(_EXPRESSIONS)])
def test_every_expression_asks_for_what_is_there(metrics, where, expression):
    plain = expression.replace("$__rate_interval", "5m").replace('"$instance"', '".*"').replace('"$job"', '".*"')
    promql_parser.parse(plain)
    labels, values = {}, {}
    for name, series in metrics.samples:
        labels.setdefault(name, set()).update(label for label, _ in series)
        for pair in series:
            values.setdefault((name, pair[0]), set()).add(pair[1])
    asked = re.findall(r"\b((?:restante|process)_\w+)\b(?:\{([^}]*)\})?", plain)
    assert asked, where
    for name, selector in asked:
        if name == "process_open_fds" and name not in labels:
            continue  # An older kernel does not tell.
        assert name in labels, f"{where} asks for {name}"
        for label, operator, wanted in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', selector):
            assert label in labels[name] | _OF_THE_COLLECTOR, f"{where}: {name}{{{selector}}}"
            if label in _OF_THE_COLLECTOR:
                continue
            # What has not happened yet is shown as 0; of operations and statuses it is not shown at all.
            there = _STATUSES if label == "status" else values[name, label]
            for alternative in wanted.split("|") if operator in ("=~", "!~") else [re.escape(wanted)]:
                assert any(re.fullmatch(alternative, value) for value in there), f"{where}: {name} has no {label} {alternative}"
    known = set().union(*(labels[name] for name, _ in asked if name in labels)) | _OF_THE_COLLECTOR
    for group in re.findall(r"\bby \(([^)]*)\)", plain):
        assert {label.strip() for label in group.split(",")} <= known, f"{where} groups by {group}"


def test_every_metric_is_on_the_dashboard(metrics):
    text = " ".join(expression for _, expression in _EXPRESSIONS)
    unseen = [name for name, family in metrics.families.items() if name not in text]
    assert unseen == [], "a metric that nobody looks at"


def test_the_dashboard_can_be_imported():
    assert _DASHBOARD["uid"] and _DASHBOARD["title"] and _DASHBOARD["schemaVersion"] >= 36
    assert "id" not in _DASHBOARD and "__inputs" not in _DASHBOARD
    numbers = [panel["id"] for panel in _DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    variables = {variable["name"] for variable in _DASHBOARD["templating"]["list"]}
    for panel in _PANELS:
        assert panel["datasource"]["uid"] == "${datasource}" and panel["targets"], panel["title"]
        assert {target["refId"] for target in panel["targets"]} == {chr(ord("A") + index) for index in range(len(panel["targets"]))}
        assert set(re.findall(r"\$(\w+)", json.dumps(panel["targets"]))) <= variables | {"__rate_interval"}
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
    places = [tuple(panel["gridPos"][side] for side in "xy") for panel in _DASHBOARD["panels"]]
    assert len(set(places)) == len(places), "no panel hides another"


def test_the_documentation_explains_every_metric_and_every_alert(metrics):
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    missing = [name for name in metrics.families if f"`{name}" not in text]
    assert missing == [], "metrics that docs/operations.md does not explain"
    assert [rule["alert"] for rule in _RULES if f"`{rule['alert']}`" not in text] == []
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] in ("page", "ticket") for rule in _RULES)
