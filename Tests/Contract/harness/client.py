"""HTTP clients of the server under test. No answer leaves here unchecked."""

import json as json_module
import time

import httpx

from harness.answer import Answer
from harness.raw import RawConnection

_ABSENT = object()


class Client:
    """Talks to one server over kept connections, from any number of threads; holds every answer against the specification."""

    def __init__(self, host, port, checker):
        self.host, self.port, self.checker = host, port, checker
        limits = httpx.Limits(max_connections=256, max_keepalive_connections=64)
        self._http = httpx.Client(base_url=f"http://{host}:{port}", timeout=75, limits=limits, trust_env=False)

    def close(self):
        self._http.close()

    def call(self, method, path, token=None, json=_ABSENT, content=None, headers=None):
        """One request and its checked answer. `json` is sent as application/json; `content` as it is; `headers` are a dict, or pairs."""
        sent = httpx.Headers(headers)
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        if json is not _ABSENT:
            content = json_module.dumps(json, ensure_ascii=False).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        response = self._http.request(method, path, content=content, headers=sent)
        answer = Answer(method, path, response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.content)
        return self.checker.check(answer)

    def get(self, path, token=None, **more):
        return self.call("GET", path, token, **more)

    def post(self, path, token=None, json=_ABSENT, **more):
        return self.call("POST", path, token, json=json, **more)

    def raw(self):
        """A bare connection to the same server, whose answers are not checked."""
        return RawConnection(self.host, self.port)

    def raw_request(self, data, method, path, within=10):
        """The checked answer to bytes sent on a connection of their own."""
        with self.raw() as connection:
            connection.send(data)
            return self.checker.check(connection.answer(method, path, within))

    def hold(self, token, wait=30, acknowledge=None):
        """Starts a poll that waits; see HeldPoll."""
        return HeldPoll(self, token, wait, acknowledge)


class HeldPoll:
    """One fetchMessages with `wait`, on a connection of its own, so that a test sees when it is answered."""

    def __init__(self, client, token, wait, acknowledge=None):
        self._client = client
        self._connection = client.raw()
        self.started = time.monotonic()
        fixed = f"Host: {client.host}\r\nAuthorization: Bearer {token}\r\n"
        if acknowledge is None:
            self._method, self._path = "GET", f"/v1/fetchMessages?wait={wait}"
            self._connection.send(f"GET {self._path} HTTP/1.1\r\n{fixed}\r\n".encode())
        else:
            self._method, self._path = "POST", "/v1/fetchMessages"
            body = json_module.dumps({"acknowledge": acknowledge, "wait": wait})
            fixed += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            self._connection.send(f"POST {self._path} HTTP/1.1\r\n{fixed}\r\n{body}".encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hang_up()

    def is_held(self, seconds=0.3):
        """Whether nothing came for that long: the poll waits."""
        return not self._connection.something_came(seconds)

    def answer(self, within):
        """The checked answer, which must come within that many seconds."""
        return self._client.checker.check(self._connection.answer(self._method, self._path, within))

    def inbox(self, within):
        """The inbox that the poll was answered with."""
        return self.answer(within).expect(200)

    def hang_up(self):
        self._connection.close()
