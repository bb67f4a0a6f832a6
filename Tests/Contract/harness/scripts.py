"""The examples of the documents, run as they stand there."""

import json
import os
import re
import subprocess

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


def shell_blocks(text):
    """The ```sh blocks of a document, one after the other."""
    blocks = _BLOCK.findall(text)
    assert blocks, "there is no ```sh block"
    return "\n".join(blocks)


def run(script, server, folder):
    """Runs a script in a shell of its own, which ends at the first command that fails; returns what it printed."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    result = subprocess.run(["bash", "-e", "-c", script], env=environment, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}\n{server.log()}"
    return result.stdout


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
