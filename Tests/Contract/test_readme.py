"""The walk-through of README.md, run literally as it stands there."""

from harness.scripts import json_values, run, shell_blocks
from harness.specification import ROOT


def test_the_walk_through_ends_with_an_empty_inbox(own_server, tmp_path):
    server = own_server(RESTANTE_PORT="8080", RESTANTE_RATE_LIMITS="on")
    _, mark, rest = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- walk-through -->\n")
    assert mark
    script = shell_blocks(rest[: rest.index("\n```\n") + 5])
    for operation in ("sendOTP", "register", "sendMessage", "fetchMessages", "acknowledge"):
        assert f"/v1/{operation}" in script, f"the walk-through does not show {operation}"
    printed = run(script, server, tmp_path)
    answers = list(json_values(printed))
    assert not [answer for answer in answers if "code" in answer], printed
    inboxes = [answer["messages"] for answer in answers if "messages" in answer]
    assert any(inboxes), f"no poll was answered with a message:\n{printed}"
    assert inboxes[-1] == [], f"the last fetch is not empty:\n{printed}"
