"""The limits of GET /v1/limits and those of openapi.yaml are the same, name by name and number by number."""

_BOUNDS = ("maximum", "maxItems", "maxLength")


def annotated(node, path=""):
    """Every schema of the document that names the limit which bounds it, as (place, limit, schema)."""
    if isinstance(node, dict):
        if "x-limit" in node:
            yield path, node["x-limit"], node
        for name, member in node.items():
            yield from annotated(member, f"{path}/{name}")
    elif isinstance(node, list):
        for index, element in enumerate(node):
            yield from annotated(element, f"{path}/{index}")


def test_the_document_lists_every_limit_with_its_default(own_server, specification):
    served = own_server().client.get("/v1/limits").expect(200)["limits"]
    stated = specification.document["x-limits"]
    assert stated == served, "a new limit has its row in x-limits of openapi.yaml too"
    assert list(stated) == list(served), "in the same order"


def test_bounds_of_the_document_are_those_of_the_limits_they_name(specification):
    limits = specification.document["x-limits"]
    places = list(annotated({name: node for name, node in specification.document.items() if name != "x-limits"}))
    assert len(places) >= 10
    for place, name, schema in places:
        stated = [schema[bound] for bound in _BOUNDS if bound in schema]
        assert stated == [limits[name]["value"]], f"{place} is bounded by {name}"


def test_caps_on_requests_are_named_where_they_bound_something(specification):
    named = {name for _, name, _ in annotated(specification.document)}
    assert {"pollSeconds", "inboxItems", "acknowledgeIds", "pageItems", "lookupNumbers"} <= named


def test_a_cap_that_was_set_is_kept(own_server):
    server = own_server(
        RESTANTE_LIMIT_POLL_SECONDS="2", RESTANTE_LIMIT_INBOX_ITEMS="3", RESTANTE_LIMIT_ACKNOWLEDGE_IDS="2", RESTANTE_LIMIT_PAGE_ITEMS="2"
    )
    alice, bob = server.user(), server.user()
    ids = [alice.send(bob) for _ in range(4)]
    alice.get("/v1/fetchMessages?wait=3").problem(400, "invalid-request")
    alice.get("/v1/fetchMessages?wait=2").expect(200)
    bob.get("/v1/fetchMessages?limit=4").problem(400, "invalid-request")
    assert len(bob.inbox()["messages"]) == 3
    bob.post("/v1/acknowledge", {"messageIds": ids[:3]}).problem(400, "invalid-request")
    assert bob.acknowledge(ids[:2]) == 2
    alice.get("/v1/fetchGroups?limit=3").problem(400, "invalid-request")
    alice.get("/v1/fetchGroups?limit=2").expect(200)
