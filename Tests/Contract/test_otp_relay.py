"""deploy/otp-relay between a server and a stand-in for Twilio's API."""

import base64
import concurrent.futures
import hashlib
import hmac
import http.server
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.parse

import httpx
import pytest

from harness.gateway import SECRET
from harness.people import new_number

RELAY = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "otp-relay" / "relay.py"


class Twilio:
    """Takes messages and calls in the form of its REST API; `answers` are the next statuses, with none left 201; None is no HTTP at all."""

    def __init__(self):
        self.sent, self.answers = [], []
        twilio = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                account = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
                status = twilio.answers.pop(0) if twilio.answers else 201
                if status is None:
                    self.wfile.write(b"this is not HTTP\r\n\r\n")
                    self.close_connection = True
                    return
                if account != "AC1:token":
                    status = 401
                if status == 201:
                    twilio.sent.append((self.path, {name: value[0] for name, value in form.items()}))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def twilio():
    twilio = Twilio()
    yield twilio
    twilio.stop()


@pytest.fixture
def relay(twilio, tmp_path):
    """The relay's URL."""
    settings = {
        "OTP_WEBHOOK_SECRET": SECRET,
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_FROM": "+15550100",
        "TWILIO_URL": twilio.url,
        "RELAY_PORT": "0",
    }
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(
        [sys.executable, str(RELAY)], env=settings, stdout=subprocess.PIPE, stderr=log, text=True
    ) as process:
        try:
            ready = re.fullmatch(r"relay: listening on (http://\S+)\n", process.stdout.readline())
            assert ready, (tmp_path / "log").read_text()
            yield ready[1]
        finally:
            process.kill()


@pytest.fixture
def server(own_server, relay):
    return own_server(RESTANTE_OTP_DELIVERY=f"webhook:{relay}/otp", RESTANTE_OTP_WEBHOOK_SECRET=SECRET)


def send(server, number, **members):
    return server.client.post("/v1/sendOTP", json={"mobileNumber": number} | members)


def test_an_sms_brings_the_digits_that_register(server, twilio):
    number = new_number()
    send(server, number).expect(202)
    ((path, form),) = twilio.sent
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert (form["To"], form["From"]) == (number, "+15550100")
    otp = re.match(r"([0-9]{6}) is your code.*5 minutes", form["Body"])[1]
    body = {"mobileNumber": number, "otp": otp, "device": {"name": "phone", "type": "ios"}}
    server.client.post("/v1/register", json=body).expect(201)


def test_a_call_speaks_them(server, twilio):
    send(server, new_number(), channel="voice").expect(202)
    ((path, form),) = twilio.sent
    assert path == "/2010-04-01/Accounts/AC1/Calls.json"
    assert re.search(r"(\d\. ){5}\d\.", form["Twiml"])


def test_a_provider_that_is_busy_for_a_moment_is_asked_again(server, twilio):
    twilio.answers = [429]
    send(server, new_number()).expect(202)
    assert len(twilio.sent) == 1


@pytest.mark.parametrize("status", [400, 401, 500])
def test_what_the_provider_refuses_is_not_delivered(server, twilio, status):
    twilio.answers = [status]
    send(server, new_number()).problem(502, "otp-delivery-failed")
    assert twilio.sent == []


def test_a_provider_that_speaks_something_else_is_an_answer_too(relay, twilio):
    twilio.answers = [None]
    headers = signed(BODY)
    for _ in range(2):
        # Within the three seconds that Restante waits; the repetition, too, knows how the first ended.
        assert httpx.post(relay, content=BODY, headers=headers, trust_env=False, timeout=3).status_code == 502
    assert twilio.sent == []


def signed(body, at=None, secret=SECRET):
    at = str(int(time.time() if at is None else at))
    code = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Restante-Timestamp": at, "Restante-Signature": f"v1={code}"}


BODY = b'{"mobileNumber":"+4915112345678","channel":"sms","otp":"123456","expiresIn":300}'


def test_what_restante_did_not_sign_is_refused(relay, twilio):
    for headers in ({}, signed(BODY, secret="another"), signed(BODY + b" "), signed(BODY, at=time.time() - 400), signed(BODY) | {"Restante-Timestamp": "x"}):
        assert httpx.post(relay, content=BODY, headers=headers, trust_env=False).status_code == 401
    assert httpx.post(relay, content=b"{}", headers=signed(b"{}"), trust_env=False).status_code == 400
    assert httpx.post(relay, content=b"a" * 4097, headers=signed(b"a" * 4097), trust_env=False).status_code == 413
    assert twilio.sent == []


def test_a_repetition_is_sent_once(relay, twilio):
    headers = signed(BODY)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: httpx.post(relay, content=BODY, headers=headers, trust_env=False).status_code, range(16)))
    assert statuses == [202] * 16
    assert len(twilio.sent) == 1
