"""The built binary as a process with an embedded database of its own."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from harness.client import Client
from harness.database import Database
from harness.people import register
from harness.waiting import eventually

_READY = re.compile(r"restante: listening on http://([^:]+):(\d+)\s*\Z")


def binary():
    """The command under test, named by RESTANTE_BIN."""
    path = os.environ.get("RESTANTE_BIN")
    assert path, "RESTANTE_BIN must name the built restante command"
    path = pathlib.Path(path).resolve()
    assert path.is_file() and os.access(path, os.X_OK), f"RESTANTE_BIN names {path}, which is no executable file"
    return str(path)


def clean_environment():
    """The environment without any setting of restante, so that only what a test sets is in force."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RESTANTE_")}


class Server:
    """One server process and its data directory. Settings are environment variables; None takes one away."""

    def __init__(self, checker, settings=None):
        # Short, because a unix socket's path is; open to traversal, because a server started by root runs its database as another user.
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="rst"))
        self.home.chmod(0o755)
        self.data = self.home / "d"
        self.log_path = self.home / "log"
        self.database = Database(self.data)
        self._checker = checker
        fixed = {
            "RESTANTE_DATA_DIR": str(self.data),
            "RESTANTE_PORT": "0",
            "RESTANTE_OTP_DELIVERY": "response",
            "RESTANTE_RATE_LIMITS": "off",
        }
        self.settings = {name: value for name, value in (fixed | (settings or {})).items() if value is not None}
        self.process = None
        self.client = None

    def start(self, within=60):
        """Starts the process and waits for its line on standard output."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [binary(), "serve"],
                env=clean_environment() | self.settings,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        lines = []
        threading.Thread(target=self._read_output, args=(self.process.stdout, lines), daemon=True).start()
        deadline = time.monotonic() + within
        while not (ready := next(filter(None, map(_READY.match, lines)), None)):
            assert self.process.poll() is None, f"the server ended with {self.process.returncode} before it listened:\n{self.log()}"
            assert time.monotonic() < deadline, f"the server did not listen within {within} s:\n{self.log()}"
            time.sleep(0.02)
        if self.client is None:
            self.client = Client(ready.group(1), int(ready.group(2)), self._checker)
            # A restart listens where it did before, so that the same clients go on.
            self.settings["RESTANTE_PORT"] = ready.group(2)
        return self

    @staticmethod
    def _read_output(stream, lines):
        with stream:
            for line in stream:
                lines.append(line.decode("utf-8", "replace").strip())

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        """The end of what the process said on standard error."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")[-4000:]

    def user(self, name=None):
        """A new user, registered on this server."""
        return register(self.client, name=name)

    def connections(self):
        """How many client connections the server has, those counted that the client has closed and the server has not yet."""
        port = f":{self.client.port:04X}"
        established_or_half_closed = ("01", "08")
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(port) and row[3] in established_or_half_closed for row in rows)

    def terminate(self, within=10):
        """SIGTERM; asserts that the process exits 0 in time, and returns the seconds that it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.wait_for_exit(started, within)

    def wait_for_exit(self, started, within=10):
        try:
            status = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server had not ended {within} s after SIGTERM:\n{self.log()}") from None
        assert status == 0, f"the server ended with {status} after SIGTERM:\n{self.log()}"
        return time.monotonic() - started

    def kill(self):
        """SIGKILL, as a crash would be."""
        self.process.kill()
        self.process.wait(10)

    def discard(self):
        """Ends whatever still runs and removes the data directory."""
        if self.client:
            self.client.close()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        eventually(lambda: not self.database.is_running(), 20, "the embedded database ends with its server")
        shutil.rmtree(self.home, ignore_errors=True)
