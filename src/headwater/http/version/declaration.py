"""The declared versions of an API: their names, how requests name them, and which are deprecated."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final, Literal, NoReturn, get_args

import msgspec

from headwater.http.version.errors import VersionsInvalid

By = Literal["uri", "media", "header", "query"]
"""Where a request names a version: ``/v1/orders``, ``Accept: application/vnd.shop+json; version=1``,
``API-Version: 1`` (also ``Accept-Version``), ``?version=1``. This is their precedence, too."""

NEWEST: Final = "newest"
REQUIRED: Final = "required"

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_MEDIA: Final = re.compile(r"application/vnd\.[a-z0-9][a-z0-9.-]*\+json", re.ASCII)


class Deprecated(msgspec.Struct, frozen=True, kw_only=True):
    """A deprecated version. Dates mean their beginning in UTC.

    `at` is the date of its deprecation (RFC 9745), `sunset` the date from which it is no longer served (RFC 8594),
    `link` a page with instructions, `successor` the version to use, by default the next one.
    """

    at: date
    sunset: date | None = None
    link: str | None = None
    successor: str | None = None

    @property
    def since(self) -> datetime:
        return _moment(self.at)

    @property
    def until(self) -> datetime | None:
        return None if self.sunset is None else _moment(self.sunset)


class Versions:
    """The versions of a backend's API, the oldest first: ``Versions("1", "2")``, or dates.

    `by` says where requests may name a version. `default` is the version of a request that names none: ``"newest"``, a
    version, or ``"required"``: then such a request is a 400. `media` is the vendor's media type, for ``"media"``.
    `deprecated` maps versions to their deprecation. Raises `VersionsInvalid`.
    """

    def __init__(
        self,
        *names: str,
        by: tuple[By, ...] = ("uri", "header"),
        default: str = NEWEST,
        media: str | None = None,
        deprecated: Mapping[str, Deprecated] | None = None,
    ) -> None:
        self.names = names
        self.by = tuple(each for each in get_args(By) if each in by)
        self.media = media
        self.deprecated = dict(deprecated or {})
        self._refuse_names()
        if not by or not set(by) <= set(get_args(By)):
            self._invalid(f"by={by!r} contains something other than {', '.join(map(repr, get_args(By)))}")
        self.default = self._default(default)
        self._refuse_media()
        for name, each in self.deprecated.items():
            self._refuse_deprecated(name, each)

    def __repr__(self) -> str:
        return f"Versions({', '.join(map(repr, self.names))})"

    @property
    def newest(self) -> str:
        return self.names[-1]

    def successor_of(self, name: str) -> str | None:
        """The version that users of a deprecated one should go to."""
        if name not in self.deprecated:
            return None
        following = self.names[self.names.index(name) + 1]
        return self.deprecated[name].successor or following

    def _default(self, default: str) -> str | None:
        if default == REQUIRED:
            return None
        chosen = self.newest if default == NEWEST else default
        if chosen not in self.names:
            self._invalid(f"default={default!r} is not one of them, 'newest' or 'required'")
        return chosen

    def _refuse_names(self) -> None:
        if not self.names:
            self._invalid("name at least one version, the oldest first")
        for name in self.names:
            if _NAME.fullmatch(name) is None or name in (NEWEST, REQUIRED):
                self._invalid(f"{name!r} is not a valid name: use letters, digits, dots and dashes, at most 32")
        if len(set(self.names)) != len(self.names):
            self._invalid("a version appears twice")

    def _refuse_media(self) -> None:
        if "media" in self.by and self.media is None:
            self._invalid("by media type needs one, such as media='application/vnd.shop+json'")
        if self.media is not None and ("media" not in self.by or _MEDIA.fullmatch(self.media) is None):
            self._invalid(f"media={self.media!r} is not application/vnd.…+json, or by= does not contain 'media'")

    def _refuse_deprecated(self, name: str, each: Deprecated) -> None:
        if name not in self.names[:-1]:
            self._invalid(f"{name!r} is deprecated, but is not an older version")
        if each.until is not None and each.until < each.since:
            self._invalid(f"{name!r} ends before it is deprecated")
        successor = self.successor_of(name)
        if successor not in self.names[self.names.index(name) + 1 :]:
            self._invalid(f"{successor!r} is declared as the successor of {name!r}, but is not newer")
        if each.link is not None and re.fullmatch(r"https?://[!#-;=?-~]+", each.link) is None:
            self._invalid(f"link={each.link!r} is not a URL")

    def _invalid(self, reason: str) -> NoReturn:
        raise VersionsInvalid(names=", ".join(map(repr, self.names)), reason=reason)


def _moment(day: date) -> datetime:
    """The beginning of a date in UTC; a time without a zone is in UTC."""
    if not isinstance(day, datetime):
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    return day if day.tzinfo is not None else day.replace(tzinfo=UTC)
