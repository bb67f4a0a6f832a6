"""A client that openapi-python-client makes from openapi.yaml does the main job."""

import concurrent.futures
import importlib
import os
import pathlib
import subprocess
import sys
import uuid

import pytest

from harness import specification as specification_module
from harness.people import new_number

PACKAGE = "restante_generated"


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """The generated package, imported."""
    place = tmp_path_factory.mktemp("generated")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    command += ["--path", str(specification_module.PATH), "--output-path", str(place / PACKAGE)]
    # The media type of tus is bytes; the generator has to be told.
    (place / "config.yaml").write_text("content_type_overrides:\n  application/offset+octet-stream: application/octet-stream\n", encoding="utf-8")
    command += ["--config", str(place / "config.yaml")]
    # The generator formats what it writes with the tools that are installed beside it.
    environment = os.environ | {"PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False, cwd=place)
    assert result.returncode == 0, f"openapi-python-client: {result.stdout}{result.stderr}"
    sys.path.insert(0, str(place))
    try:
        yield importlib.import_module(PACKAGE)
    finally:
        sys.path.remove(str(place))


class Phone:
    """One user with the generated client; every call asserts the status it expects and answers with the parsed model."""

    def __init__(self, generated, client):
        self._package = generated.__name__
        self.base_url = f"http://{client.host}:{client.port}"
        self._client = generated.Client(base_url=self.base_url)
        number = new_number()
        otp = self.call("send_otp", 202, {"mobileNumber": number}).otp
        request = {"mobileNumber": number, "otp": otp, "name": "Generated", "device": {"name": "script", "type": "cli"}}
        session = self.call("register", 201, request)
        self.close()
        self.user_id = session.user_id
        self._client = generated.AuthenticatedClient(base_url=self.base_url, token=session.access_token, timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._client.get_httpx_client().close()

    def call(self, operation, status, body=None, **parameters):
        """Calls an operation by the generator's name for it; `body` is turned into the generated model first."""
        module = self._module(operation)
        if body is not None:
            model = module.sync_detailed.__annotations__["body"]
            parameters["body"] = (model if hasattr(model, "from_dict") else self._model(model)).from_dict(body)
        response = module.sync_detailed(client=self._client, **parameters)
        assert response.status_code == status, response.content
        return response.parsed

    def _module(self, operation):
        api = importlib.import_module(f"{self._package}.api")
        for tag in sorted(path.name for path in _directories(api)):
            try:
                return importlib.import_module(f"{self._package}.api.{tag}.{operation}")
            except ModuleNotFoundError:
                continue
        raise AssertionError(f"the generated client has no operation {operation}")

    def _model(self, annotation):
        """The model of a body that is optional: the one of the alternatives that can be read from a dictionary."""
        return next(option for option in annotation.__args__ if hasattr(option, "from_dict"))


def _directories(package):
    return [path for path in pathlib.Path(package.__file__).parent.iterdir() if path.is_dir() and not path.name.startswith("__")]


def test_the_generated_client_does_the_main_job(generated, client):
    with Phone(generated, client) as anna, Phone(generated, client) as bert:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            polling = pool.submit(bert.call, "fetch_messages", 200, wait=20)
            send = {"to": str(bert.user_id), "type": "TEXT", "content": "Hello from generated code", "clientMessageId": str(uuid.uuid4())}
            sent = anna.call("send_message", 201, send)
            inbox = polling.result(5)
        (message,) = inbox.messages
        assert str(message.message_id) == str(sent.message_id)
        assert message.content == "Hello from generated code"
        assert str(message.from_.user_id) == str(anna.user_id)
        assert bert.call("acknowledge", 200, {"messageIds": [str(message.message_id)]}).acknowledged == 1
        assert bert.call("fetch_messages", 200).messages == []

        (receipt,) = anna.call("acknowledge_and_fetch", 200, {"wait": 20}).messages
        assert [str(identifier) for identifier in receipt.message_ids] == [str(message.message_id)]
        assert anna.call("acknowledge_and_fetch", 200, {"acknowledge": [str(receipt.message_id)]}).messages == []
