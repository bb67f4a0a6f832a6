"""A real TURN server, coturn, and as much of a STUN client as asks it for a relay. Source: RFC 8489, RFC 8656."""

import contextlib
import hashlib
import hmac
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile

from harness.waiting import eventually

_COOKIE = 0x2112A442
_ALLOCATE, _ALLOCATED, _REFUSED = 0x0003, 0x0103, 0x0113
_USERNAME, _INTEGRITY, _ERROR, _REALM, _NONCE, _TRANSPORT = 0x0006, 0x0008, 0x0009, 0x0014, 0x0015, 0x0019
_UDP = b"\x11\x00\x00\x00"


@contextlib.contextmanager
def coturn(secret):
    """Runs turnserver with `use-auth-secret` on a loopback port of its own, and yields that port."""
    program = shutil.which("turnserver")
    assert program, "coturn is not installed: make deps"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = pathlib.Path(tempfile.mkdtemp(prefix="turn"))
    command = [program, "-n", "--use-auth-secret", f"--static-auth-secret={secret}", "--realm=restante.test", "--listening-ip=127.0.0.1"]
    command += ["--relay-ip=127.0.0.1", f"--listening-port={port}", "--no-tls", "--no-dtls", "--no-cli", "--no-tcp", "--log-file=stdout"]
    command += [f"--pidfile={home / 'pid'}", f"--userdb={home / 'db'}", "--min-port=40000", "--max-port=49999"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=home)
    try:
        eventually(lambda: _answers(process, port, home / "log"), 20, "coturn answers")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        shutil.rmtree(home, ignore_errors=True)


def allocate(port, username, credential):
    """Asks for a relay with long-term credentials. Returns 200 for success, or the error code."""
    with _connected(port) as line:
        first = _exchange(line, _ALLOCATE, [(_TRANSPORT, _UDP)])
        assert first.kind == _REFUSED and first.error == 401, "without credentials the server asks for them"
        realm, nonce = first.attributes[_REALM], first.attributes[_NONCE]
        key = hashlib.md5(b":".join([username.encode(), realm, credential.encode()])).digest()
        attributes = [(_TRANSPORT, _UDP), (_USERNAME, username.encode()), (_REALM, realm), (_NONCE, nonce)]
        second = _exchange(line, _ALLOCATE, attributes, key)
        return 200 if second.kind == _ALLOCATED else second.error


class _Message:
    def __init__(self, data):
        self.kind, length = struct.unpack("!HH", data[:4])
        self.attributes, position = {}, 20
        while position < 20 + length:
            name, size = struct.unpack("!HH", data[position : position + 4])
            self.attributes[name] = data[position + 4 : position + 4 + size]
            position += 4 + size + -size % 4

    @property
    def error(self):
        value = self.attributes[_ERROR]
        return value[2] * 100 + value[3]


def _connected(port):
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.settimeout(2)
    line.connect(("127.0.0.1", port))
    return line


def _exchange(line, kind, attributes, key=None):
    identifier = os.urandom(12)
    body = b"".join(_attribute(name, value) for name, value in attributes)
    if key is not None:
        # The length in the header counts the attribute that is about to be made.
        head = struct.pack("!HHI", kind, len(body) + 24, _COOKIE) + identifier
        body += _attribute(_INTEGRITY, hmac.new(key, head + body, hashlib.sha1).digest())
    line.send(struct.pack("!HHI", kind, len(body), _COOKIE) + identifier + body)
    return _Message(line.recv(2048))


def _attribute(name, value):
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def _answers(process, port, log):
    assert process.poll() is None, f"turnserver ended: {log.read_text(errors='replace')[-2000:]}"
    with _connected(port) as line:
        line.settimeout(0.2)
        try:
            return _exchange(line, _ALLOCATE, [(_TRANSPORT, _UDP)]).kind == _REFUSED
        except OSError:
            return False
