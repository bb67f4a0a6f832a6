"""Firebase Cloud Messaging and Apple's push service as one local server: TLS, HTTP/2, signatures verified."""

import asyncio
import dataclasses
import json
import pathlib
import socket
import tempfile
import threading
import time

import jwt
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypercorn.asyncio import serve
from hypercorn.config import Config

from harness.people import new_uuid
from harness.waiting import always, eventually

PROJECT, ACCOUNT, KEY_ID, TEAM_ID, TOPIC = "poste-1", "sender@poste-1.example", "KEY1234567", "TEAM123456", "example.restante"


@dataclasses.dataclass
class Push:
    """One push as a service got it."""

    service: str
    token: str
    headers: dict
    body: bytes
    http: str
    at: float


class PushServices:
    """Answers what it is told to, and keeps what it was asked. Requests that a real service would not take are kept in `faults`."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rsp"))
        self._google_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._apple_key = ec.generate_private_key(ec.SECP256R1())
        authority = trustme.CA()
        self.authority_path = self.folder / "ca.pem"
        authority.cert_pem.write_to_path(self.authority_path)
        self._certificate_path = self.folder / "server.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(self._certificate_path)
        self._lock = threading.Lock()
        self._pushes, self._answers, self.faults = [], {}, []
        self.everybody = None
        self.access_tokens, self.provider_tokens, self.access_seconds = [], set(), 3600
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._thread = None
        self.start()

    # What a server is told of them

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def settings(self, **others):
        """The settings of a server that uses both services, as environment variables."""
        account = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "google-key-1",
            "private_key": _pem(self._google_key),
            "client_email": ACCOUNT,
            "token_uri": f"{self.url}/token",
        }
        return {
            "RESTANTE_FCM_CREDENTIALS": json.dumps(account),
            "RESTANTE_FCM_URL": self.url,
            "RESTANTE_APNS_KEY": _pem(self._apple_key),
            "RESTANTE_APNS_KEY_ID": KEY_ID,
            "RESTANTE_APNS_TEAM_ID": TEAM_ID,
            "RESTANTE_APNS_TOPIC": TOPIC,
            "RESTANTE_APNS_URL": self.url,
            "RESTANTE_TLS_CA_FILE": str(self.authority_path),
            "RESTANTE_PUSH_DELAY_SECONDS": "1",
        } | others

    # What a test says and asks

    def answer(self, token, *answers):
        """The next pushes to this token are answered so, each (status, JSON body, headers); later ones are taken."""
        with self._lock:
            self._answers.setdefault(token, []).extend(answers)

    def pushes(self, token=None):
        """The pushes so far, to this token or to all."""
        with self._lock:
            return [push for push in self._pushes if token in (None, push.token)]

    def wait_for(self, token, count=1, within=15):
        """Waits until so many pushes came for this token, and returns them."""
        return eventually(lambda: (found := self.pushes(token))[count - 1 :] and found, within, f"{count} pushes to {token}, not {len(self.pushes(token))}")

    def stays_at(self, token, count, seconds=3):
        """Asserts that so many pushes came for this token and no more come; longer than a message waits in these tests."""
        always(lambda: len(self.pushes(token)) == count, seconds, f"{count} pushes to {token}")

    # The server

    def start(self):
        """Listens; after a `stop`, where it did before."""
        config = Config()
        config.bind = [f"127.0.0.1:{self.port}"]
        config.certfile = config.keyfile = str(self._certificate_path)
        config.alpn_protocols = ["h2"]
        config.loglevel = "CRITICAL"
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        config.graceful_timeout = 0.1

        def run():
            self._loop.run_until_complete(serve(self._serve, config, shutdown_trigger=self._stopping.wait))
            self._loop.close()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        eventually(self._is_listening, 10, "the push services listen")

    def stop(self):
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _is_listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    async def _serve(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        with self._lock:
            try:
                status, answer, extra = self._respond(scope, headers, body)
            except (jwt.PyJWTError, KeyError, ValueError, AssertionError) as fault:
                self.faults.append(f"{scope['path']}: {fault!r}")
                status, answer, extra = 400, {"fault": repr(fault)}, {}
        await send({
            "type": "http.response.start",
            "status": status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in extra.items()],
        })
        await send({"type": "http.response.body", "body": b"" if answer is None else json.dumps(answer).encode()})

    def _respond(self, scope, headers, body):
        assert scope["method"] == "POST", scope["method"]
        path = scope["path"]
        if path == "/token":
            return self._exchange(body)
        if path == f"/v1/projects/{PROJECT}/messages:send":
            if headers["authorization"] not in [f"Bearer {token}" for token in self.access_tokens]:
                return 401, {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no such token"}}, {}
            service, token = "FCM", json.loads(body)["message"]["token"]
        else:
            assert path.startswith("/3/device/"), path
            self._check_provider_token(headers["authorization"])
            service, token = "APN", path.removeprefix("/3/device/")
        self._pushes.append(Push(service, token, headers, body, scope["http_version"], time.monotonic()))
        if self.everybody:
            return self.everybody
        if answers := self._answers.get(token):
            return answers.pop(0)
        return (200, {"name": f"projects/{PROJECT}/messages/1"}, {}) if service == "FCM" else (200, None, {"apns-id": "1"})

    def _exchange(self, body):
        prefix = b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
        assert body.startswith(prefix), body[:100]
        assertion = body.removeprefix(prefix).decode()
        claims = jwt.decode(assertion, self._google_key.public_key(), algorithms=["RS256"], audience=f"{self.url}/token", issuer=ACCOUNT)
        assert jwt.get_unverified_header(assertion)["kid"] == "google-key-1"
        assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
        assert 0 < claims["exp"] - claims["iat"] <= 3600
        self.access_tokens.append(f"ya29.{len(self.access_tokens)}")
        return 200, {"access_token": self.access_tokens[-1], "expires_in": self.access_seconds, "token_type": "Bearer"}, {}

    def _check_provider_token(self, authorization):
        assert authorization.startswith("bearer "), "no provider token"
        token = authorization.removeprefix("bearer ")
        claims = jwt.decode(token, self._apple_key.public_key(), algorithms=["ES256"], issuer=TEAM_ID)
        assert jwt.get_unverified_header(token)["kid"] == KEY_ID
        assert abs(time.time() - claims["iat"]) < 3600
        self.provider_tokens.add(token)


def register(device, *tokens, kind="FCM"):
    """Registers these tokens for a device, or a new one; returns the first."""
    tokens = tokens or (f"{kind.lower()}-{new_uuid()}",)
    device.post("/v1/updateUser", {"notificationTokens": [{"token": token, "type": kind} for token in tokens]}).expect(200)
    return tokens[0]


def tokens_of(server, device):
    """The push tokens that the database has for a device."""
    return {row[0] for row in server.database.query(f"SELECT token FROM push_tokens WHERE device_id = '{device.device_id}'")}


def retries_of(server, device):
    """When somebody may try again to wake it: [''] where that is done, [] where nobody ever did."""
    return [row[0] for row in server.database.query(f"SELECT retry_at FROM wake_ups WHERE device_id = '{device.device_id}'")]


def fcm_error(status, name, code=None, field=None, headers=None):
    """An error as FCM words it."""
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}] if code else []
    if field:
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field, "description": "Invalid"}]})
    return status, {"error": {"code": status, "status": name, "message": "Refused.", "details": details}}, headers or {}


def apns_error(status, reason, headers=None, **members):
    """An error as Apple words it."""
    return status, {"reason": reason} | members, headers or {}


def _pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
