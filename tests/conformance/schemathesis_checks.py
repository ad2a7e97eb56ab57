"""What schemathesis checks in addition, or otherwise than by itself; loaded by its own process."""

import json
import os
import urllib.request
from typing import Any, Final

import schemathesis

if os.environ.get("HEADWATER_CONFORMANCE_KEYS"):

    @schemathesis.auth()
    class NewPerson:
        """Asks as somebody who has just joined; as somebody else once that one has left, which a 401 tells."""

        def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
            url = f"{case.operation.schema.get_base_url().rstrip('/')}/people"
            request = urllib.request.Request(url, b'{"name": "Ada"}', {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as answer:
                return str(json.load(answer)["key"]["secret"])

        def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> None:
            if case.operation.definition.raw.get("security"):
                case.headers["Authorization"] = f"Bearer {data}"


LONGEST_TARGET: Final = 60_000


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Leave out targets beyond 64 KiB: the library that reads HTTP answers these itself, with an empty 414."""
    return len(case.as_transport_kwargs()["url"]) + len(str(case.query or "")) * 4 < LONGEST_TARGET


_ACCEPTED: Final = frozenset({401, 403, 404, 409, 410, 412, 428, 429})
"""What a schema cannot foresee: who asks, what is stored, how often."""
_OF_SHAPE: Final = frozenset(
    f"urn:headwater:problem:{name}"
    for name in (
        "invalid-request",
        "malformed-body",
        "malformed-target",
        "idempotency-key-missing",
        "idempotency-key-invalid",
        "value-unstorable",
    )
)
"""Refusals of what the schema itself should have ruled out."""


@schemathesis.check
def what_the_document_allows_is_not_refused_for_its_shape(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Stands for ``positive_data_acceptance``, which knows statuses only.

    A handler may refuse with 422 what only it can know: a product that does not exist, an end before its beginning. A
    400 is never about that, except for a cursor, whose signature no schema can describe, nor a 415, except for a file.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code in _ACCEPTED:
        return
    if 400 <= response.status_code < 500:
        problem = response.json()
        assert problem["type"] not in _OF_SHAPE, f"refused for its shape: {problem}"
        if not (_is_of_a_cursor(problem) or _is_of_a_file(problem) or _is_no_form(problem)):
            assert response.status_code == 422, f"refused: {problem}"


@schemathesis.check
def every_error_is_a_problem(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """One shape of error, whatever went wrong; RFC 9457, and the identifier of the request."""
    if response.status_code < 400 or case.method == "HEAD":
        return
    kind = response.headers.get("content-type")
    assert kind == ["application/problem+json"], f"{case.method} {case.path}: {response.status_code} is {kind}"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "instance", "request_id"} <= problem.keys()
    assert problem["status"] == response.status_code
    assert [problem["request_id"]] == response.headers["x-request-id"]


def _is_no_form(problem: dict[str, Any]) -> bool:
    """How a form is framed, and that its fields have names and different ones, no schema can describe; and what is made
    for the ``*/*`` of an upload is sent as a form as well."""
    return problem["status"] == 400 and "no form" in str(problem.get("detail"))


def _is_of_a_file(problem: dict[str, Any]) -> bool:
    """What the bytes of a file must be to be an image, say, no schema can describe."""
    return problem["status"] == 415 and "its bytes are" in str(problem.get("detail"))


def _is_of_a_cursor(problem: dict[str, Any]) -> bool:
    return "cursor" in f"{problem['type']} {problem.get('detail')}"
