"""The router of versions: the version of a request, and its endpoint there.

Each version has its own router. The routes of the platform (health, documentation) have no version.
"""

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Final

from headwater.clock import Clock
from headwater.http.compiler import Compiler
from headwater.http.endpoint import Endpoint, Linker, calling
from headwater.http.message.answer import Answer, Fields
from headwater.http.message.media import JSON
from headwater.http.message.problemtype import VERSION_MISSING
from headwater.http.message.request import Request
from headwater.http.message.target import below
from headwater.http.openapi import About
from headwater.http.route.route import Route
from headwater.http.router import check_routes
from headwater.http.step.operation import Operation
from headwater.http.unmatched import unmatched
from headwater.http.version.choice import with_field_choice
from headwater.http.version.declaration import Versions
from headwater.http.version.document import DOCUMENT, document_path, document_route
from headwater.http.version.edition import Edition
from headwater.http.version.naming import Naming, segment_of
from headwater.http.version.retirement import retire, retire_unmatched
from headwater.http.version.usage import Usage
from headwater.observe import Metrics

_JSON: Final = (b"content-type", JSON.encode())


class VersionRouter:
    """Finds endpoints in the version that a request names; `unversioned` are the platform's routes."""

    def __init__(
        self,
        versions: Versions,
        editions: Sequence[Edition],
        about: About,
        unversioned: Sequence[Route],
        compiler: Compiler,
        linker: Linker,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._versions = versions
        documents = [
            document_route(document_path(each.name), each, versions, about, compiler.declared) for each in editions
        ]
        unversioned = [*unversioned, *documents]
        self.platform = linker.router(linker.endpoints(compiler.operations(unversioned)))
        self.unmatched = unmatched(self.platform, compiler, linker)
        self._platform_paths = frozenset(route.path for route in unversioned) | {"*"}
        self._default = versions.default
        by_name = {edition.name: edition for edition in editions}
        self._served: dict[str, _Served] = {}
        for edition in editions:
            route = document_route(DOCUMENT, edition, versions, about, compiler.declared)
            document = compiler.operation(route)
            check_routes([*edition.operations, document, *compiler.operations(unversioned)])
            successor = by_name.get(edition.successor or "")
            self._served[edition.name] = _Served(
                versions, edition, successor, document, compiler, linker, clock, metrics
            )
        self._naming = Naming(versions, {each.route.path[1:].partition("/")[0] for each in self.endpoints})

    @property
    def endpoints(self) -> list[Endpoint]:
        """Every one of every version, to be counted."""
        served = [endpoint for each in self._served.values() for endpoint in each.endpoints]
        return [*self.platform.endpoints, self.unmatched, *served]

    def find(self, request: Request) -> tuple[Endpoint, Sequence[Any]]:
        """The endpoint and its path values; raises a `Problem` for an unknown version, and adds the fields of the
        version."""
        scope = request.scope
        root = scope.get("root_path")
        path = below(root, scope["path"]) if root else scope["path"]
        if path in self._platform_paths:
            return self.platform.find(request.method, scope) or (self.unmatched, ())
        named = self._naming.read(request)
        version = named.version or self._default or self._without(path)
        served = self._served[version]
        request.version, request.variant = version, served.variant
        fields = served.fields if named.in_target else served.varying
        request.added = [*fields] if request.added is None else [*request.added, *fields]
        endpoint, values = served.router.find(request.method, request.scope) or (served.unmatched, ())
        return (served.vendored[endpoint] if named.vendor else endpoint), values

    def methods(self, scope: MutableMapping[str, Any]) -> list[str]:
        """The methods that a path has in any version, or in the one that it begins with; none if it is not ours."""
        root = scope.get("root_path") or ""
        path = below(root, scope["path"])
        version = self._naming.in_path(path)
        found = set(self.platform.methods(scope))
        if version is not None:
            scope = {**scope, "root_path": f"{root}/{path[1:].partition('/')[0]}"}
        for served in self._served.values() if version is None else [self._served[version]]:
            found |= set(served.router.methods(scope))
        return sorted(found)

    def _without(self, path: str) -> str:
        """The version for a request that has to name one and does not; raises a `Problem` 400."""
        if path == DOCUMENT:
            return self._versions.newest
        names = self._versions.names
        raise VERSION_MISSING.problem(f"Name one of the versions {', '.join(names)}.", versions=names)


class _Served:
    """One version as it is served. `vendored` are the same endpoints, answering with the vendor's media type."""

    def __init__(
        self,
        versions: Versions,
        edition: Edition,
        successor: Edition | None,
        document: Operation,
        compiler: Compiler,
        linker: Linker,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        endpoints, usage = _choosing(edition, linker), Usage(edition.name, metrics, clock)
        if successor is not None:
            endpoints = retire(edition, endpoints, successor, versions, clock, usage)
        self.router = linker.router([*endpoints, linker.endpoint(document)])
        self.unmatched = unmatched(self.router, compiler, linker, edition.name)
        if successor is not None:
            self.unmatched = retire_unmatched(edition, self.unmatched, versions, clock, usage)
        self.variant = b"" if edition.name == versions.newest else segment_of(edition.name).encode()
        self.fields: Fields = [(b"api-version", edition.name.encode())]
        self.varying: Fields = [*self.fields, *_vary(versions)]
        self.vendored: dict[Endpoint, Endpoint] = {}
        if versions.media is not None:
            kind = f"{versions.media}; version={edition.name}".encode()
            self.vendored = {each: calling(each, _vendored(each.call, kind)) for each in self._all()}

    @property
    def endpoints(self) -> list[Endpoint]:
        return [*self._all(), *self.vendored.values()]

    def _all(self) -> list[Endpoint]:
        return [*self.router.endpoints, self.unmatched]


def _choosing(edition: Edition, linker: Linker) -> list[Endpoint]:
    """The endpoints of a version, with the choice of fields of those whose items are converted."""
    endpoints = linker.endpoints(edition.operations, edition.name)
    choices = [edition.choices.get((each.route.method, each.route.path)) for each in endpoints]
    return [
        each if choice is None else calling(each, with_field_choice(each.call, choice))
        for each, choice in zip(endpoints, choices, strict=True)
    ]


def _vary(versions: Versions) -> Fields:
    """The request headers that choose a version where the URL does not."""
    names = ["Accept"] * ("media" in versions.by) + ["API-Version", "Accept-Version"] * ("header" in versions.by)
    return [(b"vary", ", ".join(names).encode())] if names else []


def _vendored(call: Callable[[Request], Any], kind: bytes) -> Callable[[Request], Any]:
    async def call_vendored(request: Request) -> Answer:
        answer: Answer = await call(request)
        fields = [(b"content-type", kind) if field == _JSON else field for field in answer.fields]
        return Answer(answer.status, fields, answer.body, answer.stream)

    return call_vendored
