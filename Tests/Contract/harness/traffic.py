"""Messages that flow while things break, and the account that is taken of them.

Every content is sent with one clientMessageId until its fate is known: answered (201 or 200), or unknown (no answer, or a 5xx) and so sent again.
Every poll acknowledges what the one before it brought. What must hold in the end: nothing that was answered is lost, nothing arrives that
nobody sent, one send is one message, a sender's messages arrive in their order, and nothing comes back in the answer to its acknowledgement or in
a later one.
"""

import concurrent.futures
import hashlib
import itertools
import threading

import httpx

from harness.people import new_uuid
from harness.waiting import eventually


class Ledger:
    """What was attempted, answered, delivered and acknowledged. Safe from any thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self.attempted, self.answered, self.delivered = set(), {}, {}
        self.doubled, self.corrupt, self.after_ack, self.disordered = set(), set(), set(), set()
        self._acknowledged, self._newest = {}, {}

    def attempt(self, content):
        with self._lock:
            self.attempted.add(content)

    def answer(self, content, message_id):
        with self._lock:
            if self.answered.setdefault(content, message_id) != message_id:
                self.doubled.add(content)

    def acknowledged_by(self, device_id):
        """What this device has acknowledged for certain by now; taken before a poll begins."""
        with self._lock:
            return frozenset(self._acknowledged.get(device_id, ()))

    def acknowledge(self, device_id, ids):
        with self._lock:
            self._acknowledged.setdefault(device_id, set()).update(ids)

    def deliver(self, device_id, messages, acknowledged_before):
        with self._lock:
            for message in messages:
                content, message_id = message["content"], message["messageId"]
                if message_id in acknowledged_before:
                    self.after_ack.add(content)
                if content not in self.delivered:
                    self._check_order(device_id, content)
                if self.delivered.setdefault(content, message_id) != message_id:
                    self.doubled.add(content)
                text, _, digest = content.rpartition("|")
                if hashlib.sha256(text.encode()).hexdigest() != digest:
                    self.corrupt.add(content)

    def _check_order(self, device_id, content):
        sender, number, _ = content.split("|")
        if int(number) < self._newest.get((device_id, sender), 0):
            self.disordered.add(content)
        self._newest[(device_id, sender)] = int(number)

    def faults(self):
        """The sets that must be empty, by name, those that are not."""
        with self._lock:
            found = {
                "lost": set(self.answered) - set(self.delivered),
                "phantom": set(self.delivered) - self.attempted,
                "doubled": self.doubled | {content for content, message in self.answered.items() if self.delivered.get(content, message) != message},
                "corrupt": self.corrupt,
                "after_ack": self.after_ack,
                "disordered": self.disordered,
            }
            return {name: sorted(contents)[:5] for name, contents in found.items() if contents}


class Traffic:
    """Senders and receivers in threads of their own, from `with` to `finish()`."""

    def __init__(self, server, senders=6, receivers=4):
        self.ledger = Ledger()
        self._senders = [server.user() for _ in range(senders)]
        self._receivers = [server.user() for _ in range(receivers)]
        self._sending, self._receiving = threading.Event(), threading.Event()
        self._sending.set()
        self._receiving.set()
        self._pool = concurrent.futures.ThreadPoolExecutor(senders + receivers)
        self._send_tasks, self._receive_tasks = [], []

    def __enter__(self):
        self._send_tasks = [self._pool.submit(self._send, sender) for sender in self._senders]
        self._receive_tasks = [self._pool.submit(self._receive, receiver) for receiver in self._receivers]
        return self

    def __exit__(self, *_):
        self._sending.clear()
        self._receiving.clear()
        self._pool.shutdown()

    def flows(self, count=300, within=40):
        """Waits until that many more sends are answered and as many messages delivered."""
        sent, delivered = len(self.ledger.answered) + count, len(self.ledger.delivered) + count
        eventually(lambda: self._advance() and len(self.ledger.answered) >= sent and len(self.ledger.delivered) >= delivered, within, "messages flow")

    def finish(self, within=40):
        """Ends the sending, lets every unknown send become known and every message arrive, and returns the ledger."""
        self._sending.clear()
        for task in self._send_tasks:
            task.result(within)
        eventually(
            lambda: self._advance() and set(self.ledger.answered) <= set(self.ledger.delivered), within, "everything that was answered arrives"
        )
        self._receiving.clear()
        for task in self._receive_tasks:
            task.result(within)
        return self.ledger

    def _advance(self):
        """Raises what a thread failed with, so that a wait does not outlast it."""
        for task in self._send_tasks + self._receive_tasks:
            if task.done():
                task.result()
        return True

    def _send(self, sender):
        recipients = itertools.cycle(self._receivers)
        for number in itertools.count():
            if not self._sending.is_set():
                return
            text = f"{sender.user_id}|{number}"
            content = f"{text}|{hashlib.sha256(text.encode()).hexdigest()}"
            body = sender.message(next(recipients), content, clientMessageId=new_uuid())
            self.ledger.attempt(content)
            while (answer := _attempt(lambda sent=body: sender.post("/v1/sendMessage", sent))) is None:
                pass
            self.ledger.answer(content, answer["messageId"])

    def _receive(self, receiver):
        pending, quiet = [], False
        # Ends when it was told to, has nothing left to acknowledge and found its inbox empty.
        while self._receiving.is_set() or pending or not quiet:
            before = self.ledger.acknowledged_by(receiver.device_id)
            wait = 2 if self._receiving.is_set() else 0
            body = {"acknowledge": pending, "wait": wait}
            inbox = _attempt(lambda sent=body: receiver.post("/v1/fetchMessages", sent))
            if inbox is None:
                continue
            self.ledger.acknowledge(receiver.device_id, pending)
            self.ledger.deliver(receiver.device_id, inbox["messages"], before | set(pending))
            pending = [message["messageId"] for message in inbox["messages"]]
            quiet = not pending


def _attempt(call):
    """The body of a success, or None where the outcome is unknown, after a short pause; any other answer is a failure."""
    try:
        answer = call()
        if answer.status < 500:
            assert answer.status in (200, 201), answer
            return answer.json
    except httpx.TransportError:
        pass
    threading.Event().wait(0.05)
    return None
