"""Idempotency-Key: the key of a request, and the fingerprint of the request that it belongs to.

After draft-ietf-httpapi-idempotency-key-header-07, and Stripe's documented behaviour where that leaves room. The key is
a structured-field string (RFC 9651 section 3.3.3); the bare form that most clients send is the same key.
"""

import re
from hashlib import sha256
from typing import Final

import msgspec

from headwater.commit import IdempotencyKey
from headwater.http.message.principal import Principal
from headwater.http.message.problemtype import KEY_INVALID, KEY_MISSING
from headwater.http.message.request import Request

LIMIT: Final = 255
KEY_PATTERN: Final = rf'^(?:"(?:[ !#-\[\]-~]|\\["\\]){{1,{LIMIT}}}"|[!#-+\--~]{{1,{LIMIT}}})$'
"""The pattern of the header, valid in JavaScript and Python."""

_NAME: Final = b"idempotency-key"
_QUOTED: Final = re.compile(rb'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE: Final = re.compile(rb"[\x21\x23-\x2b\x2d-\x7e]+")  # visible, without quotes and without commas
_ESCAPE: Final = re.compile(rb"\\(.)")


def key_of(request: Request, template: str, required: bool) -> IdempotencyKey | None:
    """The key of a request whose body has been read; None without the header.

    Its scope is (principal and tenant, method, template, key), so two principals or two operations never share one.
    Raises a `Problem` 400 for a missing key that is `required`, and for an invalid key.
    """
    header = request.fields.get(_NAME)
    if header is None:
        if required:
            raise KEY_MISSING.problem("Send an Idempotency-Key header with a value that is new for each new request.")
        return None
    if request.count(_NAME) > 1:
        raise KEY_INVALID.problem("Idempotency-Key was given more than once.")
    who = _who(request.principal)
    scope = _digest(who, request.method.encode(), template.encode(), parse_key(header))
    return IdempotencyKey(scope, fingerprint_of(request))


def parse_key(header: bytes) -> bytes:
    """The key in a header of either form; raises a `Problem` 400."""
    header = header.strip(b" \t")
    quoted = _QUOTED.fullmatch(header)
    if quoted is not None:
        key = _ESCAPE.sub(rb"\1", quoted[1])
    elif _BARE.fullmatch(header):
        key = header
    else:
        raise KEY_INVALID.problem('Idempotency-Key must be a string in double quotes, such as "8e03978e-40d5".')
    if not 1 <= len(key) <= LIMIT:
        raise KEY_INVALID.problem(f"Idempotency-Key must have 1 to {LIMIT} characters.")
    return key


def fingerprint_of(request: Request) -> bytes:
    """A digest of the request: method, path, query (in any order of names), content type, body, and version.

    The version is part of it and not of the scope: a client that changes versions between two attempts must neither get
    a response of the other version nor execute the command twice.
    """
    query = msgspec.json.encode(sorted(request.query.items())) if request.scope["query_string"] else b""
    content_type = request.fields.get(b"content-type", b"").strip().lower()
    assert request.raw_body is not None, "the body is read before the key"
    parts = [request.method.encode(), request.path.encode(), query, content_type, request.raw_body]
    if request.version is not None:
        parts.append(request.version.encode())
    return _digest(*parts)


def _who(principal: Principal | None) -> bytes:
    """Empty without a principal; a principal without a tenant differs from one whose tenant is an empty string."""
    return b"" if principal is None else msgspec.json.encode((principal.id, principal.tenant))


def _digest(*parts: bytes) -> bytes:
    """SHA-256 over length-prefixed parts, so parts cannot be confused."""
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
