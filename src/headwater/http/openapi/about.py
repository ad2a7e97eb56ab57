"""About: the description of the whole API, from the options of `Backend`."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_RULES: Final = (
    "Every error is `application/problem+json` (RFC 9457) with the identifier of its request. Query parameters that "
    "an operation does not have are refused. A value in a path that does not fit its type is a 404."
)
_ROOT: Final = ("/",)


class About(msgspec.Struct, frozen=True, kw_only=True):
    """`license` is an SPDX identifier or a URL, `contact` a mail address or a URL.

    `servers` are the URLs that the paths follow; the default is wherever the document came from. `apps` says what
    each app is for.
    """

    title: str = "headwater"
    version: str = "1"
    description: str = ""
    license: str | None = None
    contact: str | None = None
    servers: tuple[str, ...] = _ROOT
    apps: Mapping[str, str] = {}


def write_info(about: About) -> dict[str, Any]:
    """The ``info`` object."""
    info: dict[str, Any] = {
        "title": about.title,
        "version": about.version,
        "description": "\n\n".join(filter(None, (about.description, _RULES))),
    }
    if about.contact is not None:
        info["contact"] = _contact(about.title, about.contact)
    if about.license is not None:
        kind = "url" if "://" in about.license else "identifier"
        info["license"] = {"name": about.license, kind: about.license}
    return info


def write_servers(about: About) -> list[dict[str, Any]]:
    """The ``servers`` array."""
    here = "The origin of this document."
    return [{"url": url, **({"description": here} if url == "/" else {})} for url in about.servers]


def write_tags(about: About, apps: list[str]) -> list[dict[str, Any]]:
    """A tag for each app that has an operation."""
    return [{"name": app, "description": about.apps.get(app) or f"The operations of {app}."} for app in apps]


def _contact(title: str, contact: str) -> dict[str, str]:
    if "://" in contact:
        return {"name": title, "url": contact}
    return {"name": title, "email": contact.removeprefix("mailto:")}
