"""Every route of every app: one shape of error, one shape of answer, and what keeps browsers safe on both."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from headwater.settings import Settings
from headwater.testing.client import Reply
from headwater.testing.databases import Databases
from headwater.testing.running import RunningBackend, run_backend
from tests.conformance.apps import APPS, AppCase

SETTINGS = Settings(partitions=4, log_level="warning")
SECURE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "server": "headwater",
}
PLATFORM = ("/livez", "/readyz", "/startupz", "/openapi.json", "/docs", "/docs/docs.js", "/docs/docs.css")
MEMBERS = {"type", "title", "status", "instance", "request_id"}


class Operation:
    """One operation of a document, with a path that fits its examples."""

    def __init__(self, path: str, method: str, written: Mapping[str, Any]) -> None:
        self.method = method.upper()
        self.template = path
        self.written = written
        self.path = path
        for parameter in written.get("parameters", ()):
            if parameter["in"] == "path":
                example = quote(str(parameter["example"]), safe="")
                self.path = self.path.replace(f"{{{parameter['name']}}}", example)

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def media_types(self) -> set[str]:
        """What a successful answer may be."""
        answers = [answer for status, answer in self.written["responses"].items() if status.startswith("2")]
        return {kind for answer in answers for kind in answer.get("content", {})}

    @property
    def takes_json(self) -> bool:
        return "application/json" in self.written.get("requestBody", {}).get("content", {})

    @property
    def needs_credential(self) -> bool:
        security = self.written.get("security", ())
        return bool(security) and {} not in security


def operations_of(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, written in item.items():
            if method in ("get", "put", "post", "delete", "patch", "head", "options"):
                yield Operation(path, method, written)


@pytest.mark.parametrize("case", APPS, ids=lambda case: case.name)
async def test_every_route_has_one_shape_of_error_and_one_of_answer(
    case: AppCase, headwater_databases: Databases
) -> None:
    async with run_backend(case.load(), headwater_databases, SETTINGS) as running:
        if running.backend.seed is not None:
            await running.seed()
        operations = [*operations_of(running.backend.openapi())]
        assert operations
        for operation in operations:
            await _interrogate(running, operation, await case.prepare(running))
        for path in PLATFORM:
            _check(await running.client.get(path), f"GET {path}")
        _check_problem(await running.client.get("/nowhere/at/all"), 404, "nowhere")


async def _interrogate(running: RunningBackend, operation: Operation, headers: Mapping[str, str]) -> None:
    ask, method, path = running.client.request, operation.method, operation.path
    plain = await ask(method, path, headers=headers)
    _check(plain, str(operation))
    if 200 <= plain.status < 300 and plain.body:
        assert plain.headers["content-type"].partition(";")[0] in operation.media_types, operation
    _check(await ask(method, path + "?surely_not_a_parameter=1", headers=headers), f"{operation} with a wrong query")
    refused = await ask("PURGE", path, headers=headers)
    _check_problem(refused, 405, operation)
    assert method in refused.headers["allow"], operation
    if operation.media_types & {"application/json", "application/x-ndjson"}:
        _check_problem(await ask(method, path, headers={**headers, "Accept": "image/x-none"}), 406, operation)
    if operation.takes_json:
        sent = {**headers, "Content-Type": "text/plain", "Idempotency-Key": '"shapes"'}
        unsupported = await ask(method, path, body=b"text", headers=sent)
        _check_problem(unsupported, 415, operation)
        assert "application/json" in unsupported.headers["accept-post"], operation
        sent["Content-Type"] = "application/json"
        _check_problem(await ask(method, path, body=b"{", headers=sent), 400, operation)
    if operation.needs_credential:
        for credential in ({}, {"Authorization": "Bearer surely-nobodys"}):
            unknown = await ask(method, path, headers=credential)
            _check_problem(unknown, 401, operation)
            assert unknown.headers["www-authenticate"], operation


def _check(reply: Reply, what: str) -> None:
    """What holds for every answer; one from 400 on is a problem."""
    assert reply.status != 500, f"{what}: {reply.text}"
    for name, value in SECURE.items():
        assert reply.headers.get(name) == value, f"{what}: {name}"
    assert "content-security-policy" in reply.headers, what
    assert reply.headers["x-request-id"], what
    assert not [name for name in reply.headers if name.startswith("access-control")], what
    assert bool(reply.body) <= ("content-type" in reply.headers), what
    if reply.status >= 400 and reply.body:
        _check_problem(reply, reply.status, what)


def _check_problem(reply: Reply, status: int, what: object) -> None:
    assert reply.status == status, f"{what}: {reply.status} instead of {status}: {reply.text}"
    assert reply.headers["content-type"] == "application/problem+json", what
    assert reply.headers["cache-control"] == "no-store", what
    assert reply.headers["x-frame-options"] == "DENY", what
    if isinstance(what, Operation) and what.method == "HEAD" and not reply.body:
        return  # what it would say is not sent
    problem = reply.json()
    assert problem.keys() >= MEMBERS, what
    assert problem["status"] == status, what
    assert problem["request_id"] == reply.headers["x-request-id"], what
