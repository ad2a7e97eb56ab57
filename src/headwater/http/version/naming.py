"""Naming: which version a request names.

The precedence is URI, media type, ``API-Version`` or ``Accept-Version``, query. What is named must exist: 404 in a URI,
406 in Accept, 415 in Content-Type, 400 elsewhere; the place of the highest precedence is complained about. Two that
disagree are a 400, whatever their precedence, since one of them must be a mistake.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from headwater.http.message.media import JSON
from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import VERSION_CONFLICT, VERSION_UNKNOWN
from headwater.http.message.request import Request
from headwater.http.message.target import below
from headwater.http.version.declaration import Versions

QUERY: Final = "version"
"""The name of the query parameter."""

_HEADERS: Final = (b"api-version", b"accept-version")
_REMEMBERED: Final = 256
_SEGMENT: Final = re.compile(r"v\d[\w.-]*", re.ASCII)
_RANGE: Final = re.compile(r"\s*([^\s;,]+)\s*((?:;[^,]*)?)", re.ASCII)
_VERSION: Final = re.compile(r';\s*version\s*=\s*"?([^";\s]*)"?\s*', re.IGNORECASE)
_QUALITY: Final = re.compile(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", re.IGNORECASE)


class Named(NamedTuple):
    """`version` is None if the request names none. `in_target`: the URL says which, so that no header can.

    `vendor`: the response is to be of the vendor's media type.
    """

    version: str | None
    in_target: bool = False
    vendor: bool = False


UNNAMED: Final = Named(None)


class Accepted(NamedTuple):
    """An Accept header: the version, whether by the vendor's type, and the header for those who know neither."""

    version: str | None
    vendor: bool
    plain: bytes


class Naming:
    """Reads the version of requests; `taken` are the first segments of paths without a version."""

    def __init__(self, versions: Versions, taken: Collection[str] = ()) -> None:
        self._versions = versions
        self._uri, self._media = "uri" in versions.by, "media" in versions.by
        self._header, self._query = "header" in versions.by, "query" in versions.by
        self._segments = {segment_of(name): name for name in versions.names}
        self._taken = frozenset(taken)
        self._accepted: dict[bytes, Accepted] = {}

    def read(self, request: Request) -> Named:
        """What the request names; raises a `Problem`.

        A version in the path joins the root path, as the prefix of a mounted application does, so that what is found
        below it, and links to it, stay in that version.
        """
        fields, query = request.fields, request.scope["query_string"]
        named: list[str] = []
        vendor = False
        if self._uri and (found := self._read_uri(request)) is not None:
            named.append(found)
        in_target = bool(named)
        if self._media and (b"accept" in fields or b"content-type" in fields):
            vendor = self._read_media(request, named)
        if self._header and (b"api-version" in fields or b"accept-version" in fields):
            named += self._known(value for value in _header_values(request))
        if self._query and query and (b"version" in query or b"%" in query):
            found_in_query = self._read_query(request)
            named += found_in_query
            in_target = in_target or bool(found_in_query)
        if not named:
            return Named(None, False, True) if vendor else UNNAMED
        if len(named) > 1 and len(set(named)) > 1:
            raise _conflict(named)
        return Named(named[0], in_target, vendor)

    def in_path(self, path: str) -> str | None:
        """The version that a path begins with, if it does."""
        return self._segments.get(path[1:].partition("/")[0]) if self._uri else None

    def _read_uri(self, request: Request) -> str | None:
        scope = request.scope
        root = scope.get("root_path") or ""
        path = below(root, scope["path"]) if root else scope["path"]
        if not path.startswith("/v"):
            return None
        segment = path[1:].partition("/")[0]
        version = self._segments.get(segment)
        if version is not None:
            request.scope = {**scope, "root_path": f"{root}/{segment}"}
        elif _SEGMENT.fullmatch(segment) and segment not in self._taken:
            raise self._unknown(404, segment[1:])
        return version

    def _read_media(self, request: Request, named: list[str]) -> bool:
        """Add the versions that the media types name; returns whether the vendor's media type is accepted."""
        fields, vendor = request.fields, False
        accept = fields.get(b"accept")
        if accept is not None and b"vnd." in accept.lower():
            accepted = self._accepted.get(accept) or self._accept(accept)
            fields[b"accept"], vendor = accepted.plain, accepted.vendor
            if accepted.version is not None:
                named.append(accepted.version)
        content_type = fields.get(b"content-type")
        if content_type is not None and b"version" in content_type.lower():
            named += self._content_versions(content_type.decode("latin-1"))
        return vendor

    def _accept(self, accept: bytes) -> Accepted:
        accepted = self._choose(accept.decode("latin-1"))
        if len(self._accepted) < _REMEMBERED and len(accept) < _REMEMBERED:
            self._accepted[accept] = accepted
        return accepted

    def _choose(self, accept: str) -> Accepted:
        """The best-liked range of the vendor's type whose version exists; 406 if nothing else is acceptable either."""
        ours: list[tuple[float, str | None]] = []
        plain, unknown, json = [], None, 0.0
        for kind, parameters, quality in _ranges(accept):
            if kind != self._versions.media:
                plain.append(kind + parameters)
                json = max(json, quality) if kind == JSON else json
                continue
            version = _VERSION.search(parameters)
            if version is None or version[1] in self._versions.names:
                ours.append((quality, version and version[1]))
                plain.append(f"{JSON};q={quality}")
            else:
                unknown = version[1]
        if unknown is not None and not plain:
            raise self._unknown(406, unknown)
        wanted = max(ours, key=lambda each: each[0], default=None)
        text = ", ".join(plain).encode("latin-1")
        if wanted is None or wanted[0] == 0 or wanted[0] < json:
            return Accepted(None, False, text)
        return Accepted(wanted[1], True, text)

    def _content_versions(self, content_type: str) -> list[str]:
        kind, parameters, _ = next(_ranges(content_type), ("", "", 0))
        version = _VERSION.search(parameters) if kind == self._versions.media else None
        if version is None:
            return []
        if version[1] not in self._versions.names:
            raise self._unknown(415, version[1])
        return [version[1]]

    def _read_query(self, request: Request) -> list[str]:
        """The versions in the query string, of which whatever links to this URL keeps them."""
        return self._known(request.query.get(QUERY, ()))

    def _known(self, values: Any) -> list[str]:
        found = list(values)
        for value in found:
            if value not in self._versions.names:
                raise self._unknown(400, value)
        return found

    def _unknown(self, status: int, version: str) -> Problem:
        detail = (
            f"There is no version {version[:32]!r} of this API; the versions are {', '.join(self._versions.names)}."
        )
        kind = msgspec.structs.replace(VERSION_UNKNOWN, status=status)
        headers = {"Accept-Post": f"{JSON}, {self._versions.media}"} if status == 415 else None
        return kind.problem(detail, headers, versions=self._versions.names)


def segment_of(version: str) -> str:
    """What a version is called in a path."""
    return f"v{version}"


def _header_values(request: Request) -> Iterator[str]:
    for name, value in request.scope["headers"]:
        if name in _HEADERS:
            yield value.decode("latin-1").strip()


def _ranges(header: str) -> Iterator[tuple[str, str, float]]:
    """Each media range in lower case, its parameters, its quality."""
    for part in header.split(","):
        match = _RANGE.fullmatch(part.rstrip())
        if match is not None:
            quality = _QUALITY.search(match[2])
            yield match[1].lower(), match[2], min(float(quality[1]), 1.0) if quality else 1.0


def _conflict(named: list[str]) -> Problem:
    versions = list(dict.fromkeys(named))
    detail = f"The request names more than one version: {' and '.join(map(repr, versions))}."
    return VERSION_CONFLICT.problem(detail, versions=versions)
