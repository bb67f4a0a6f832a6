#!/usr/bin/env python3
"""A relay between Restante's OTP webhook and Twilio: checks the signature, sends an SMS or places a call. Python 3.9 or newer, nothing else.

Settings, all environment variables:
  OTP_WEBHOOK_SECRET   the same as Restante's RESTANTE_OTP_WEBHOOK_SECRET
  TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN
  TWILIO_FROM          the sender: a number in E.164 form, or MG... for a messaging service (SMS only)
  TWILIO_URL           default https://api.twilio.com
  RELAY_HOST, RELAY_PORT   default 127.0.0.1 and 8090

What it answers: 202 sent; 401 the signature does not hold; 400 Twilio will not send this; 503 nothing was sent, try again; 502 it is not known.
Another provider needs another `deliver`, and nothing else. Put it behind a TLS proxy, or on Restante's own machine.
"""

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

TOLERANCE = 300  # seconds that the two clocks may differ
TEXT = "{otp} is your code. Give it to nobody. It is good for {minutes} minutes."
LARGEST = 4096


class Refused(Exception):
    """An answer other than 202."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


def check(secret, headers, body, now):
    """Raises Refused(401) unless the request is Restante's, and of now."""
    timestamp = headers.get("Restante-Timestamp", "")
    signed = timestamp.encode("latin-1", "replace") + b"." + body
    expected = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    given = headers.get("Restante-Signature", "")
    if not hmac.compare_digest(expected.encode(), given.encode("latin-1", "replace")):
        raise Refused(401)
    if not timestamp.isascii() or not timestamp.isdigit() or abs(now - int(timestamp)) > TOLERANCE:
        raise Refused(401)


class Seen:
    """Which requests were done already. What was signed once is sent once: Restante repeats the same bytes, a thief would too."""

    def __init__(self):
        self._outcomes, self._lock = {}, threading.Lock()

    def once(self, signature, send):
        """The status of the first request with this signature, made by `send`; others wait for it. One that sent nothing is forgotten."""
        with self._lock:
            now = time.monotonic()
            self._outcomes = {key: value for key, value in self._outcomes.items() if value[0] > now}
            known = self._outcomes.get(signature)
            if not known:
                known = self._outcomes[signature] = (now + 2 * TOLERANCE, threading.Event(), [])
                is_first = True
            else:
                is_first = False
        _, done, status = known
        if not is_first:
            done.wait(10)
            return status[0] if status else 502
        try:
            status.append(send())
            if status[0] == 503:
                with self._lock:
                    self._outcomes.pop(signature, None)
        finally:
            # Whatever went wrong, nobody waits for it.
            done.set()
        return status[0]


def deliver(settings, password):
    """Has Twilio send it; the status for Restante. Source: Twilio's REST API 2010-04-01, Messages and Calls."""
    to, otp = password["mobileNumber"], password["otp"]
    if password["channel"] == "voice":
        spoken = ". ".join(otp)
        resource, form = "Calls", {"To": to, "From": settings["TWILIO_FROM"], "Twiml": f"<Response><Say loop='3'>{spoken}.</Say></Response>"}
    else:
        sender = "MessagingServiceSid" if settings["TWILIO_FROM"].startswith("MG") else "From"
        text = TEXT.format(otp=otp, minutes=password["expiresIn"] // 60)
        resource, form = "Messages", {"To": to, sender: settings["TWILIO_FROM"], "Body": text}
    url = f"{settings['TWILIO_URL']}/2010-04-01/Accounts/{settings['TWILIO_ACCOUNT_SID']}/{resource}.json"
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode())
    credentials = f"{settings['TWILIO_ACCOUNT_SID']}:{settings['TWILIO_AUTH_TOKEN']}"
    request.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
    try:
        # Restante waits three seconds.
        with urllib.request.urlopen(request, timeout=2.5) as answer:
            return 202 if 200 <= answer.status < 300 else 502
    except urllib.error.HTTPError as error:
        if error.code in (429, 503):
            return 503
        return 400 if error.code < 500 else 502
    except urllib.error.URLError as error:
        # No connection: nothing was sent. A timeout, or anything later, says nothing.
        return 503 if isinstance(error.reason, (ConnectionRefusedError, socket.gaierror)) else 502
    except (OSError, ValueError, http.client.HTTPException):
        return 502


def read(body):
    """The password in a request's body."""
    try:
        password = json.loads(body)
        if {name: type(value) for name, value in password.items()} == {"mobileNumber": str, "channel": str, "otp": str, "expiresIn": int}:
            return password
    except (ValueError, AttributeError):
        pass
    raise Refused(400)


def handler(settings):
    """What serves one connection."""
    seen = Seen()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self):
            try:
                status = self.status()
            except Refused as refused:
                status = refused.status
            if status == 413:
                self.close_connection = True
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def status(self):
            length = self.headers.get("Content-Length", "")
            if not length.isdigit():
                raise Refused(413)
            # One byte more than allowed tells that it is too much; the rest is left unread, and the connection ends.
            body = self.rfile.read(min(int(length), LARGEST + 1))
            if len(body) > LARGEST:
                raise Refused(413)
            check(settings["OTP_WEBHOOK_SECRET"], self.headers, body, time.time())
            password = read(body)
            return seen.once(self.headers["Restante-Signature"], lambda: deliver(settings, password))

        def log_message(self, form, *values):
            # Status only: neither numbers nor digits belong into a log.
            sys.stderr.write(f"{self.log_date_time_string()} {form % values}\n")

    return Handler


def main():
    settings = {"TWILIO_URL": "https://api.twilio.com", "RELAY_HOST": "127.0.0.1", "RELAY_PORT": "8090"} | dict(os.environ)
    missing = [name for name in ("OTP_WEBHOOK_SECRET", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM") if not settings.get(name)]
    if missing:
        sys.exit("missing: " + ", ".join(missing))
    server = http.server.ThreadingHTTPServer((settings["RELAY_HOST"], int(settings["RELAY_PORT"])), handler(settings))
    print(f"relay: listening on http://{server.server_address[0]}:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
