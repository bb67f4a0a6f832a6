"""The examples of docs/api-guide.md, run in one shell, in their order, as they stand there but for the port."""

import re

from harness.scripts import json_values, run, shell_blocks
from harness.specification import ROOT


def test_the_examples_of_the_guide_do_what_it_says(own_server, tmp_path, specification):
    server = own_server(RESTANTE_RATE_LIMITS="on")
    # The rest is about a generated client, which has tests of its own.
    guide = (ROOT / "docs/api-guide.md").read_text(encoding="utf-8").split("## A generated client")[0]
    script = shell_blocks(guide)
    assert "http://127.0.0.1:8080" in script
    printed = run(script.replace("http://127.0.0.1:8080", f"http://{server.client.host}:{server.client.port}"), server, tmp_path)
    answers = list(json_values(printed))
    problems = [(answer["status"], answer["code"]) for answer in answers if "code" in answer]
    announced = [(int(status), code) for status, code in re.findall(r"# (\d{3}) ([a-z-]+)", script)]
    assert problems == announced, printed
    assert [answer for answer in answers if answer.get("messages")] and "not really" in printed
    shown = set(re.findall(r"/v1/(\w+)", script))
    operations = {path.removeprefix("/v1/") for path in specification.document["paths"] if path.startswith("/v1/")}
    # addMember is as removeMember is; limits and acknowledging by itself are told in the text.
    unseen = {path for path in operations if path.split("/")[0] not in shown}
    assert unseen == {"addMember", "limits"}, "operations without an example"
