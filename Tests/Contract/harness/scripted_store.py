"""An S3 store that answers what it is told to: for failures that a real one has only now and then."""

import http.server
import threading


class ScriptedStore:
    """Takes any signature. `answers` are those of the next PUTs, each (status, body); later ones are taken, but nothing is kept."""

    def __init__(self):
        self.answers, self.bodies = [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                outer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(*(outer.answers.pop(0) if outer.answers else (200, b"")))

            def do_DELETE(self):
                self._answer(204, b"")

            def _answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def settings(self):
        """What makes a server keep its media here."""
        return {
            "RESTANTE_MEDIA_STORE": f"s3:http://127.0.0.1:{self._server.server_port}/media",
            "RESTANTE_S3_ACCESS_KEY": "key",
            "RESTANTE_S3_SECRET_KEY": "secret",
        }

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
