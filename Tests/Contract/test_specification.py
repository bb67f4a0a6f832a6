"""openapi.yaml: valid, true to the server's routes in both directions, and served as it stands."""

import json
import subprocess

import openapi_spec_validator
import pytest
import yaml

from harness import specification as specification_module
from harness.server import binary, clean_environment

OPERATIONS = {
    "sendOTP": ("POST", "/v1/sendOTP"),
    "register": ("POST", "/v1/register"),
    "login": ("POST", "/v1/login"),
    "refreshToken": ("POST", "/v1/refreshToken"),
    "logout": ("POST", "/v1/logout"),
    "getUser": ("GET", "/v1/getUser"),
    "updateUser": ("POST", "/v1/updateUser"),
    "deleteAccount": ("POST", "/v1/deleteAccount"),
    "lookupUsers": ("POST", "/v1/lookupUsers"),
    "listDevices": ("GET", "/v1/listDevices"),
    "removeDevice": ("POST", "/v1/removeDevice"),
    "blockUser": ("POST", "/v1/blockUser"),
    "unblockUser": ("POST", "/v1/unblockUser"),
    "listBlockedUsers": ("GET", "/v1/listBlockedUsers"),
    "sendMessage": ("POST", "/v1/sendMessage"),
    "sendGroupMessage": ("POST", "/v1/sendGroupMessage"),
    "fetchMessages": ("GET", "/v1/fetchMessages"),
    "acknowledgeAndFetch": ("POST", "/v1/fetchMessages"),
    "acknowledge": ("POST", "/v1/acknowledge"),
    "markRead": ("POST", "/v1/markRead"),
    "createGroup": ("POST", "/v1/createGroup"),
    "updateGroup": ("POST", "/v1/updateGroup"),
    "addMember": ("POST", "/v1/addMember"),
    "removeMember": ("POST", "/v1/removeMember"),
    "setAdmin": ("POST", "/v1/setAdmin"),
    "createInvite": ("POST", "/v1/createInvite"),
    "revokeInvite": ("POST", "/v1/revokeInvite"),
    "joinGroup": ("POST", "/v1/joinGroup"),
    "leaveGroup": ("POST", "/v1/leaveGroup"),
    "fetchGroups": ("GET", "/v1/fetchGroups"),
    "fetchGroupMembers": ("GET", "/v1/fetchGroupMembers"),
    "heartbeat": ("POST", "/v1/heartbeat"),
    "getLastSeen": ("GET", "/v1/getLastSeen"),
    "subscribe": ("POST", "/v1/subscribe"),
    "startCall": ("POST", "/v1/startCall"),
    "answerCall": ("POST", "/v1/answerCall"),
    "signalCall": ("POST", "/v1/signalCall"),
    "endCall": ("POST", "/v1/endCall"),
    "getAll": ("GET", "/v1/getAll"),
    "uploadMedia": ("POST", "/v1/uploadMedia"),
    "downloadMedia": ("GET", "/v1/downloadMedia"),
    "uploadKeys": ("POST", "/v1/uploadKeys"),
    "claimKeys": ("POST", "/v1/claimKeys"),
    "countKeys": ("GET", "/v1/countKeys"),
    "limits": ("GET", "/v1/limits"),
    "healthz": ("GET", "/healthz"),
    "readyz": ("GET", "/readyz"),
    "metrics": ("GET", "/metrics"),
    "getOpenapiYaml": ("GET", "/openapi.yaml"),
    "getOpenapiJson": ("GET", "/openapi.json"),
    "getProblem": ("GET", "/problems/{code}"),
}


def documented(specification):
    return {(method, template, operation["operationId"]) for (method, template), operation in specification.operations.items()}


def test_the_specification_is_valid_openapi_3_1(specification):
    assert specification.document["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(specification.document)


def test_every_fixed_operation_has_its_name_and_path(specification):
    operations = {name: (method, path) for method, path, name in documented(specification)}
    assert operations | OPERATIONS == operations
    others = {path for name, (_, path) in operations.items() if name not in OPERATIONS}
    assert others == {"/v1/media/tus", "/v1/media/tus/{uploadId}"}, "resumable uploads are all that is beside them"


def test_the_routes_of_the_server_and_the_specification_are_the_same(specification):
    result = subprocess.run([binary(), "routes"], env=clean_environment(), capture_output=True, text=True, timeout=20, check=True)
    routes = {tuple(line.split()) for line in result.stdout.splitlines()}
    assert routes == documented(specification)


def test_the_server_serves_the_specification_as_it_stands(client):
    served = client.get("/openapi.yaml")
    served.expect(200)
    assert served.body == specification_module.PATH.read_bytes()


def test_the_json_form_says_the_same(client, specification):
    served = client.get("/openapi.json").expect(200)
    # By way of JSON, because YAML reads a bare 200 as a number and a date as a date.
    assert served == json.loads(json.dumps(specification.document, default=str))


def test_public_operations_ask_for_no_token_and_all_others_do(specification):
    public = {"sendOTP", "register", "login", "refreshToken", "limits"}
    general = specification.document.get("security", [])
    for (_, template), operation in specification.operations.items():
        open_to_all = operation["operationId"] in public or not template.startswith("/v1/")
        assert bool(operation.get("security", general)) != open_to_all, operation["operationId"]
        assert ("401" in map(str, operation["responses"])) == (not open_to_all or operation["operationId"] == "refreshToken"), operation[
            "operationId"
        ]


def test_every_error_names_its_codes_with_an_example_each(specification, checker):
    for operation, status, response in specification.responses():
        if int(status) < 400:
            continue
        codes = response["x-problem-codes"]
        assert codes, f"{operation} {status} names no code"
        examples = response["content"]["application/problem+json"]["examples"]
        assert set(examples) == set(codes), f"{operation} {status}"
        for code, example in examples.items():
            value = specification.resolve(example)["value"]
            assert (value["code"], value["status"], value["type"]) == (code, int(status), f"/problems/{code}"), f"{operation} {status}"
            assert checker.conform("/components/schemas/Problem", value) == [], f"{operation} {status} {code}"


def test_every_schema_has_an_example_that_conforms(specification, checker):
    for name, schema in specification.document["components"]["schemas"].items():
        examples = schema.get("examples", [schema["example"]] if "example" in schema else [])
        assert examples, f"the schema {name} has no example"
        for example in examples:
            assert checker.conform(f"/components/schemas/{name}", example) == [], name


@pytest.mark.parametrize("place", ["requestBody", "responses"])
def test_objects_name_all_their_members(specification, place):
    """What is checked against a schema that leaves members open would never be found wrong."""
    for operation in specification.operations.values():
        for schema in _schemas(specification, operation.get(place, {}), set()):
            if schema.get("type") == "object":
                assert "additionalProperties" in schema or "unevaluatedProperties" in schema, (
                    f"{operation['operationId']}: {yaml.safe_dump(schema)[:300]}"
                )


def _schemas(specification, node, seen):
    """Every schema below a node of the document, references followed once."""
    node = specification.resolve(node)
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, dict):
        if "type" in node:
            yield node
        for name, child in node.items():
            if name not in ("example", "examples", "enum", "const"):
                yield from _schemas(specification, child, seen)
    elif isinstance(node, list):
        for child in node:
            yield from _schemas(specification, child, seen)
