"""Keys of end-to-end encryption as the server sees them: bytes of the right size, of which it understands nothing."""

import base64
import os

from harness.people import new_uuid

CURVE_BYTES, SIGNATURE_BYTES, POST_QUANTUM_BYTES = 33, 64, 1568


def text(data):
    return base64.b64encode(data).decode()


def random_text(count=CURVE_BYTES):
    return text(os.urandom(count))


def one_time_key(key_id):
    return {"keyId": key_id, "publicKey": random_text()}


def signed_key(key_id, count=CURVE_BYTES):
    return {"keyId": key_id, "publicKey": random_text(count), "signature": random_text(SIGNATURE_BYTES)}


def identity(registration_id=4711, **members):
    """What makes a device one that has keys; more members as given."""
    return {"registrationId": registration_id, "identityKey": random_text(), "signedPreKey": signed_key(1)} | members


def upload(device, body):
    """Uploads, and returns the two counts."""
    counts = device.post("/v1/uploadKeys", body).expect(200)
    return counts["oneTimePreKeyCount"], counts["pqOneTimePreKeyCount"]


def counts(device):
    found = device.get("/v1/countKeys").expect(200)
    return found["oneTimePreKeyCount"], found["pqOneTimePreKeyCount"]


def claim(device, other, of_device=None):
    """The bundles of the other's devices, or of one of them."""
    body = {"userId": other.user_id} | ({"deviceId": of_device} if of_device else {})
    return device.post("/v1/claimKeys", body).expect(200)["devices"]


# Encrypted sends


def set_up(*devices):
    """Gives devices keys, each with a registration id of its own."""
    for number, device in enumerate(devices, start=1):
        device.registration_id = number
        upload(device, identity(number, oneTimePreKeys=[one_time_key(key_id) for key_id in range(30)]))
    return devices


def sealed(device, kind="MESSAGE", body=None):
    """A ciphertext for a device."""
    return {"deviceId": device.device_id, "registrationId": device.registration_id, "type": kind, "body": body or random_text(100)}


def message(to, ciphertexts, **members):
    return {"to": to.user_id, "type": "TEXT", "clientMessageId": new_uuid(), "ciphertexts": ciphertexts} | members


def group_message(group_id, **members):
    return {"groupId": group_id, "type": "TEXT", "clientMessageId": new_uuid()} | members
