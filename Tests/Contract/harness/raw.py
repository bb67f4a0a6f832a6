"""A bare TCP connection: requests that no HTTP library would send, and polls that are held."""

import select
import socket
import time

from harness.answer import Answer


class ConnectionEnded(Exception):
    """The server closed the connection before a whole answer came."""


class RawConnection:
    """Sends bytes as they are and reads one answer after the other."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def something_came(self, within):
        """Whether bytes, or the end of the connection, came within that many seconds."""
        return bool(self._buffer) or bool(select.select([self.socket], [], [], within)[0])

    def answer(self, method, path, within=10):
        """The next answer, taken as the one to this method and path."""
        deadline = time.monotonic() + within
        while b"\r\n\r\n" not in self._buffer:
            self._receive(deadline)
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        if status == 100:
            return self.answer(method, path, within)
        headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        length = 0 if method == "HEAD" or status == 204 else int(headers.get("content-length", 0))
        while len(self._buffer) < length:
            self._receive(deadline)
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Answer(method, path, status, headers, body)

    def ended(self, within):
        """Whether the server closed the connection within that many seconds, having said nothing more."""
        if self._buffer or not self.something_came(within):
            return False
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except ConnectionResetError:
            return True

    def _receive(self, deadline):
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not select.select([self.socket], [], [], remaining)[0]:
            raise TimeoutError(f"no whole answer in time; so far {self._buffer[:300]!r}")
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError as error:
            raise ConnectionEnded(str(error)) from error
        if not data:
            raise ConnectionEnded(f"closed after {self._buffer[:300]!r}")
        self._buffer += data
