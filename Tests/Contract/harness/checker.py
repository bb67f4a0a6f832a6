"""Holds every answer against openapi.yaml: operation, status, headers, content type, body, problem code."""

import datetime
import re
import urllib.parse

import jsonschema
import referencing
import referencing.jsonschema

_DOCUMENT = "urn:restante:openapi"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z\Z")

_formats = jsonschema.FormatChecker(formats=())


@_formats.checks("uuid")
def _is_uuid(value):
    return not isinstance(value, str) or _UUID.match(value) is not None


@_formats.checks("date-time", raises=ValueError)
def _is_time(value):
    if not isinstance(value, str):
        return True
    return _TIME.match(value) is not None and datetime.datetime.fromisoformat(value) is not None


class SpecChecker:
    """Fails the test that saw an answer which the specification does not allow."""

    def __init__(self, specification):
        self.specification = specification
        resource = referencing.Resource(specification.document, referencing.jsonschema.DRAFT202012)
        self._registry = referencing.Registry().with_resource(_DOCUMENT, resource)
        self._validators = {}

    def check(self, answer):
        """Asserts that `answer` is one that the specification documents for its request."""
        faults = list(self._common_faults(answer)) + list(self._faults(answer))
        assert not faults, "the answer breaks the contract: " + "; ".join(faults) + f"\n{answer}"
        return answer

    def conform(self, schema_pointer, value):
        """The ways in which `value` breaks the schema at that place of the document, for example `/components/schemas/Problem`."""
        validator = self._validators.get(schema_pointer)
        if validator is None:
            reference = {"$ref": f"{_DOCUMENT}#{urllib.parse.quote(schema_pointer)}"}
            validator = jsonschema.Draft202012Validator(reference, registry=self._registry, format_checker=_formats)
            self._validators[schema_pointer] = validator
        return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]

    # Rules that hold whatever the operation.

    def _common_faults(self, answer):
        request_id = answer.headers.get("x-request-id", "")
        if not _REQUEST_ID.match(request_id):
            yield f"X-Request-Id is {request_id!r}"
        bare = answer.path.split("?")[0]
        cache_control = "private, no-cache" if bare == "/v1/downloadMedia" and answer.status < 400 else "no-store"
        if answer.headers.get("cache-control") != cache_control:
            yield f"Cache-Control is {answer.headers.get('cache-control')!r}"
        if answer.status in (429, 503) and not re.match(r"[1-9][0-9]*\Z", answer.headers.get("retry-after", "")):
            yield "429 and 503 carry Retry-After in whole seconds"
        if answer.status == 401 and not answer.headers.get("www-authenticate", "").startswith("Bearer"):
            yield "401 carries WWW-Authenticate: Bearer"
        if answer.status >= 400 and answer.method != "HEAD":
            yield from self._problem_faults(answer, request_id)
        if answer.method == "HEAD" and answer.body:
            yield "an answer to HEAD has a body"

    def _problem_faults(self, answer, request_id):
        if answer.media_type != "application/problem+json":
            yield f"an error is {answer.media_type!r}"
            return
        problem = answer.json
        yield from self.conform("/components/schemas/Problem", problem)
        if problem.get("type") != f"/problems/{problem.get('code')}":
            yield "type is not /problems/<code>"
        if problem.get("status") != answer.status:
            yield "status in the body differs from the answer's"
        if problem.get("requestId") != request_id:
            yield "requestId differs from X-Request-Id"
        if answer.status == 413 and not isinstance(problem.get("maxBytes"), int):
            yield "413 carries maxBytes"
        if answer.status == 429 and not problem.get("scope"):
            yield "429 carries scope"
        if problem.get("code") in ("unknown-parameter", "invalid-request"):
            named = problem.get("errors") or [{}]
            if not all(("pointer" in entry) != ("parameter" in entry) and entry.get("detail") for entry in named):
                yield "errors name a pointer or a parameter each, with a detail"
        if problem.get("code") == "malformed-json" and not (problem.get("line", 0) >= 1 and problem.get("column", -1) >= 0):
            yield "malformed-json carries line and column"

    # Rules of the operation.

    def _faults(self, answer):
        template = self.specification.template(answer.path)
        if template is None:
            if answer.status != 404 or answer.method != "HEAD" and answer.json.get("code") != "not-found":
                yield "the path is not in the specification, so the answer is 404 not-found"
            return
        operation = self.specification.operation(answer.method, template)
        if operation is None:
            allowed = {method.strip() for method in answer.headers.get("allow", "").split(",")}
            if answer.status != 405 or allowed != self.specification.methods(template):
                yield "the method is not in the specification, so the answer is 405 with Allow: " + ", ".join(
                    sorted(self.specification.methods(template))
                )
            return
        response = operation["responses"].get(str(answer.status))
        if response is None:
            yield f"{operation['operationId']} does not document {answer.status}"
            return
        pointer = "/paths/" + template.replace("~", "~0").replace("/", "~1")
        pointer += f"/{self.specification.documented_method(answer.method, template).lower()}/responses/{answer.status}"
        if "$ref" in response:
            pointer = response["$ref"].removeprefix("#")
        yield from self._response_faults(answer, self.specification.resolve(response), pointer)

    def _response_faults(self, answer, response, pointer):
        for name, header in response.get("headers", {}).items():
            header = self.specification.resolve(header)
            value = answer.headers.get(name.lower())
            if value is None and header.get("required"):
                yield f"the header {name} is missing"
            if value is not None:
                yield from (f"the header {name} is {value!r}: {error}" for error in self._header_faults(header.get("schema", {}), value))
        if answer.method == "HEAD":
            return
        content = response.get("content")
        if not content:
            if answer.body:
                yield "the specification documents no body"
            return
        if response.get("x-any-media-type"):
            # The body is a user's own; nothing is documented of it.
            return
        if answer.media_type not in content:
            yield f"the specification documents {', '.join(content)}, not {answer.media_type!r}"
            return
        if not answer.media_type.endswith("json"):
            return
        if self.specification.template(answer.path) != "/openapi.json" and _holds_null(answer.json):
            yield "a null in the body: what is not there is left out"
        if "schema" in content[answer.media_type]:
            yield from self.conform(f"{pointer}/content/{answer.media_type.replace('/', '~1')}/schema", answer.json)
        if answer.status >= 400 and answer.json.get("code") not in response.get("x-problem-codes", []):
            yield f"the code {answer.json.get('code')} is not documented for {answer.status} here"


    def _header_faults(self, schema, value):
        """Fields are text; what the schema says to be a number or a truth is read as one first."""
        schema = self.specification.resolve(schema)
        if schema.get("type") == "integer" and re.match(r"-?(0|[1-9][0-9]*)\Z", value):
            value = int(value)
        elif schema.get("type") == "boolean" and value in ("true", "false"):
            value = value == "true"
        validator = jsonschema.Draft202012Validator(schema, registry=self._registry, format_checker=_formats)
        return [error.message for error in validator.iter_errors(value)]


def _holds_null(value):
    if isinstance(value, dict):
        return any(_holds_null(member) for member in value.values())
    if isinstance(value, list):
        return any(_holds_null(element) for element in value)
    return value is None
