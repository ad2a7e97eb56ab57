"""A credential: where it is in a request, and the function that finds its principal.

Store only the SHA-256 of a credential (`digest_secret`), so a leaked table cannot be used. Nothing here writes a
credential into a response or a log.
"""

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final, Protocol

from headwater.db import Db
from headwater.http.message.principal import Principal
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.route.errors import HttpError

Find = Callable[[Db, str], Awaitable[Principal | None]]
"""From the database and a credential to its principal, or None if the credential is not recognised."""

LONGEST_SECRET: Final = 8192

_TOKEN68: Final = re.compile(rb"[A-Za-z0-9\-._~+/]+=*")  # RFC 9110 section 11.2, and b64token of RFC 6750
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VISIBLE: Final = re.compile(rb"[\x21-\x7e]+")


class CredentialInvalid(HttpError):
    """{credential} is invalid: {reason}."""


class Credential(Protocol):
    """A kind of credential."""

    find: Find
    name: str
    """Its name in the OpenAPI document."""
    ambient: bool
    """Browsers send it by themselves, also with requests that another site caused."""

    def secret_of(self, request: Request) -> str | None:
        """The credential of a request; None if there is none, and an empty string if it is malformed."""

    def challenge(self, realm: str) -> str:
        """The challenge in WWW-Authenticate."""

    def scheme(self) -> dict[str, Any]:
        """The security scheme in the OpenAPI document."""


class Bearer:
    """``Authorization: Bearer …`` (RFC 6750)."""

    name = "bearer"
    ambient = False

    def __init__(self, find: Find) -> None:
        self.find = find

    def secret_of(self, request: Request) -> str | None:
        header = request.fields.get(b"authorization")
        if header is None:
            return None
        if request.count(b"authorization") > 1:
            raise Problem(400, detail="Authorization was given more than once.")
        scheme, _, token = header.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        return _text(token.strip(b" "), _TOKEN68)

    def challenge(self, realm: str) -> str:
        return f"Bearer realm={quoted(realm)}"

    def scheme(self) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}


class ApiKey:
    """An API key in a header field of its own, such as ``X-Api-Key``."""

    name = "apiKey"
    ambient = False

    def __init__(self, header: str, find: Find) -> None:
        if not _TOKEN.fullmatch(header) or header.lower() in ("authorization", "cookie"):
            raise CredentialInvalid(
                credential=f"ApiKey({header!r})", reason="it is not a header field that can carry an API key"
            )
        self.header = header
        self.find = find
        self._field = header.lower().encode()

    def secret_of(self, request: Request) -> str | None:
        value = request.fields.get(self._field)
        if value is None:
            return None
        if request.count(self._field) > 1:
            raise Problem(400, detail=f"{self.header} was given more than once.")
        return _text(value.strip(b" \t"), _VISIBLE)

    def challenge(self, realm: str) -> str:
        return f"ApiKey realm={quoted(realm)}, header={quoted(self.header)}"

    def scheme(self) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": self.header}


class Cookie:
    """A session cookie. Call it ``__Host-…``, and set it with Secure, HttpOnly, SameSite=Lax and Path=/.

    An unrecognised cookie, as after the end of a session, counts as none: browsers still send it, also to the login.
    """

    name = "cookie"
    ambient = True

    def __init__(self, cookie: str, find: Find) -> None:
        if not _TOKEN.fullmatch(cookie):
            raise CredentialInvalid(credential=f"Cookie({cookie!r})", reason="it is not a valid cookie name")
        self.cookie = cookie
        self.find = find
        self._prefix = cookie.encode() + b"="

    def secret_of(self, request: Request) -> str | None:
        if b"cookie" not in request.fields:
            return None
        found = [pair for pair in self._pairs(request) if pair.startswith(self._prefix)]
        if len(found) != 1:  # two of one name: another site of the domain has set one of them
            return None
        return _text(found[0][len(self._prefix) :].strip(b'"'), _VISIBLE)

    def _pairs(self, request: Request) -> list[bytes]:
        values = [value for name, value in request.scope["headers"] if name == b"cookie"]
        return [pair.strip(b" \t") for value in values for pair in value.split(b";")]

    def challenge(self, realm: str) -> str:
        return f"Cookie realm={quoted(realm)}, cookie-name={quoted(self.cookie)}"

    def scheme(self) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": self.cookie}


def digest_secret(secret: str) -> bytes:
    """The SHA-256 of a credential, 32 bytes: store it, and look credentials up by it.

    It is sufficient for generated credentials with at least 128 random bits (`secrets.token_urlsafe(32)`); a password
    needs a slow hash.
    """
    return sha256(secret.encode()).digest()


def quoted(text: str) -> str:
    """A quoted-string (RFC 9110 section 5.6.4) of printable ASCII."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(secret: bytes, form: re.Pattern[bytes]) -> str:
    return secret.decode("ascii") if len(secret) <= LONGEST_SECRET and form.fullmatch(secret) else ""
