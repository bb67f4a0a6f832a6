"""One HTTP answer, as the tests read it."""

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the server said to one request. `headers` has lower-case names."""

    method: str
    path: str
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def media_type(self):
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def expect(self, status):
        """The body (None where there is none) of an answer that must have this status."""
        assert self.status == status, f"expected {status}: {self}"
        return self.json if self.body and self.media_type.endswith("json") else None

    def problem(self, status, code):
        """The members of a problem that must have this status and code."""
        assert self.status == status, f"expected {status} {code}: {self}"
        assert self.media_type == "application/problem+json", f"not a problem: {self}"
        assert self.json["code"] == code, f"expected {status} {code}: {self}"
        return self.json

    def __str__(self):
        headers = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        text = self.body[:2000].decode("utf-8", "replace")
        return f"{self.method} {self.path}\nanswered {self.status}\n{headers}\n{text}"
