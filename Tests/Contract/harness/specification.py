"""openapi.yaml, read once: which operation a request belongs to, and what may be answered to it."""

import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
PATH = ROOT / "openapi.yaml"
METHODS = {"get", "head", "post", "put", "patch", "delete", "options", "trace"}


class Specification:
    """The document and its operations, found by method and path."""

    def __init__(self, path=PATH):
        self.document = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.operations = {}
        for template, item in self.document["paths"].items():
            for method, operation in item.items():
                if method in METHODS:
                    self.operations[(method.upper(), template)] = operation
        # Plain paths before those with a parameter, so that the exact one wins.
        templates = sorted({template for _, template in self.operations}, key=lambda template: template.count("{"))
        self._patterns = [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)) + r"\Z"), template) for template in templates]

    def template(self, path):
        """The path of the document that this request path matches, or None."""
        bare = path.split("?")[0]
        return next((template for pattern, template in self._patterns if pattern.match(bare)), None)

    def methods(self, template):
        """The methods that the server must offer there: those of the document, and HEAD where there is GET."""
        methods = {method for method, other in self.operations if other == template}
        return methods | {"HEAD"} if "GET" in methods else methods

    def operation(self, method, template):
        """The operation, or None; HEAD is answered as GET where it has no operation of its own."""
        return self.operations.get((self.documented_method(method, template), template))

    def documented_method(self, method, template):
        """The method whose operation answers `method` there."""
        return "GET" if method == "HEAD" and ("HEAD", template) not in self.operations else method

    def resolve(self, node):
        """The node itself, or what its $ref names."""
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def responses(self):
        """Every documented response, as (operationId, status, response)."""
        for operation in self.operations.values():
            for status, response in operation["responses"].items():
                yield operation["operationId"], str(status), self.resolve(response)

    def problem_codes(self):
        """Every problem code that the document names."""
        shared = self.document["components"]["responses"].values()
        responses = [response for _, _, response in self.responses()] + [self.resolve(response) for response in shared]
        return {code for response in responses for code in response.get("x-problem-codes", [])}
