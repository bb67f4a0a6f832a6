"""The walk-through of README.md, run literally as it stands there."""

import json
import os
import re
import subprocess

from harness.specification import ROOT

_BLOCK = re.compile(r"<!-- walk-through -->\s*```sh\n(.*?)```", re.DOTALL)


def walk_through():
    blocks = _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert blocks, "README.md has no ```sh block after <!-- walk-through -->"
    return "\n".join(blocks)


def json_values(text):
    """Every JSON object that stands in a text, one after the other."""
    decoder, place = json.JSONDecoder(), text.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(text, place)
            yield value
        except ValueError:
            end = place + 1
        place = text.find("{", end)


def test_the_walk_through_ends_with_an_empty_inbox(own_server, tmp_path):
    server = own_server(RESTANTE_PORT="8080", RESTANTE_RATE_LIMITS="on")
    script = walk_through()
    for operation in ("sendOTP", "register", "sendMessage", "fetchMessages", "acknowledge"):
        assert f"/v1/{operation}" in script, f"the walk-through does not show {operation}"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    result = subprocess.run(["bash", "-e", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}\n{server.log()}"
    answers = list(json_values(result.stdout))
    assert not [answer for answer in answers if "code" in answer], result.stdout
    inboxes = [answer["messages"] for answer in answers if "messages" in answer]
    assert any(inboxes), f"no poll was answered with a message:\n{result.stdout}"
    assert inboxes[-1] == [], f"the last fetch is not empty:\n{result.stdout}"
