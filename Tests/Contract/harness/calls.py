"""What a device does with a call."""

import datetime
import time

# How late the end of a ring may come, by the sweep.
LATE = 4


def start(caller, callee, **members):
    """Starts a call and returns what startCall answered."""
    return caller.post("/v1/startCall", {"to": callee.user_id, "kind": "voice", "offer": "an offer"} | members).expect(201)


def answer(device, call, **members):
    return device.post("/v1/answerCall", {"callId": call["callId"], "answer": "an answer"} | members)


def signal(device, call, text="a candidate"):
    return device.post("/v1/signalCall", {"callId": call["callId"], "signal": text})


def end(device, call, **members):
    return device.post("/v1/endCall", {"callId": call["callId"]} | members)


def events(device):
    """The events of the CALL items in the inbox, in order."""
    return [item["event"] for item in device.items("CALL")]


def take(device):
    """The CALL items in the inbox, which is empty afterwards."""
    items = device.items("CALL")
    device.empty_inbox()
    return items


def seconds_from_now(time_text):
    return datetime.datetime.fromisoformat(time_text).timestamp() - time.time()
