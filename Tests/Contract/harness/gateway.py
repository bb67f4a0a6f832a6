"""A gateway for one-time passwords, as an operator would run one: it checks signatures and does what a test tells it."""

import contextlib
import hashlib
import hmac
import http.server
import json
import socketserver
import threading
import time

SECRET = "the secret that signs what goes to the webhook"


class Gateway:
    """Listens on a free loopback port. `answers` are the next statuses; with none left, 202. `hang` holds every request."""

    def __init__(self):
        self.passwords, self.faults, self.requests, self.answers, self.headers_of_answer = [], [], [], [], {}
        self.hang = threading.Event()
        self.hang.set()
        self.arrived = threading.Semaphore(0)
        self._lock = threading.Lock()
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = gateway.receive(self.path, dict(self.headers.items()), body)
                gateway.arrived.release()
                gateway.hang.wait(30)
                if status is None:
                    self.close_connection = True
                    return
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in gateway.headers_of_answer.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_):
                pass

        class Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Listener(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def settings(self):
        """What makes a server use this gateway."""
        return {"RESTANTE_OTP_DELIVERY": f"webhook:http://127.0.0.1:{self.port}/otp", "RESTANTE_OTP_WEBHOOK_SECRET": SECRET}

    def receive(self, path, headers, body):
        """Notes one request; what it shall be answered with, None for a broken connection."""
        fault = fault_of(headers, body)
        with self._lock:
            status = self.answers.pop(0) if self.answers else 202
            self.requests.append((path, headers, body))
            if fault:
                self.faults.append(fault)
            elif status == 202:
                self.passwords.append(json.loads(body))
        return status

    def otp_for(self, number):
        """The digits that this number got last."""
        return next(password["otp"] for password in reversed(self.passwords) if password["mobileNumber"] == number)

    def stop(self):
        """Nobody answers on the port any more."""
        self.hang.set()
        self._server.shutdown()
        self._server.server_close()


def fault_of(headers, body, now=None):
    """What is wrong with a request's signature; None where it holds."""
    timestamp = headers.get("Restante-Timestamp", "")
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(headers.get("Restante-Signature", ""), f"v1={expected}"):
        return "the signature is wrong"
    if abs((now or time.time()) - int(timestamp)) > 300:
        return "the time is wrong"
    return None
