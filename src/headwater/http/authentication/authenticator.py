"""The authenticator: from the credentials of a request to its principal, after RFC 9110 section 11 and RFC 6750."""

import re
from collections.abc import Sequence
from typing import Final

from headwater.db import Db
from headwater.http.authentication.credential import Bearer, Credential, quoted
from headwater.http.message.principal import Principal
from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import CREDENTIALS_CLASH, INSUFFICIENT_SCOPE
from headwater.http.message.request import Request

_REALM: Final = re.compile(r"[\x20-\x7e]")


class Authenticator:
    """Authenticates requests by one or several credentials, in this order.

    `realm` is the realm in WWW-Authenticate; characters other than printable ASCII are replaced.
    """

    def __init__(self, credentials: Sequence[Credential], realm: str) -> None:
        self.credentials = tuple(credentials)
        self.named = _named_apart(credentials)
        self.realm = "".join(each if _REALM.match(each) else "?" for each in realm)
        self.ambient = any(each.ambient for each in credentials)
        self._challenges = ", ".join(each.challenge(self.realm) for each in credentials)

    async def identify(self, request: Request, db: Db) -> None:
        """Set the request's principal. Raises a `Problem`: 401 for a credential that is not recognised, 400 for
        credentials of two principals."""
        found: Principal | None = None
        for credential in self.credentials:
            secret = credential.secret_of(request)
            if secret is None:
                continue
            principal = await credential.find(db, secret) if secret else None
            if principal is None:
                if credential.ambient:
                    continue
                raise self._wrong(credential)
            if found is None:
                found, request.session = principal, secret if credential.ambient else None
            elif (found.id, found.tenant) != (principal.id, principal.tenant):
                raise CREDENTIALS_CLASH.problem("The request has credentials of two principals. Send one of them.")
            elif not credential.ambient:
                request.session = None
        request.principal = found

    def missing(self) -> Problem:
        """The 401 of a request without a required credential."""
        detail = "Authentication is required; the request has no credential."
        return Problem(401, detail=detail, headers={"WWW-Authenticate": self._challenges})

    def narrow(self, scopes: Sequence[str]) -> Problem:
        """The 403 of a credential that lacks one of `scopes`."""
        detail = f"The credential lacks a scope that this operation requires: {', '.join(scopes)}."
        headers = {}
        if any(isinstance(each, Bearer) for each in self.credentials):
            needed = f'error="insufficient_scope", scope={quoted(" ".join(scopes))}'
            headers["WWW-Authenticate"] = f"Bearer realm={quoted(self.realm)}, {needed}"
        return INSUFFICIENT_SCOPE.problem(detail, headers, scopes=list(scopes))

    def _wrong(self, credential: Credential) -> Problem:
        challenge = f'{credential.challenge(self.realm)}, error="invalid_token"'
        detail = "The credential is not recognised: it is mistyped, expired or revoked."
        return Problem(401, detail=detail, headers={"WWW-Authenticate": challenge})


def _named_apart(credentials: Sequence[Credential]) -> dict[str, Credential]:
    """The credentials by their names in the OpenAPI document; a second one of a kind is numbered."""
    named: dict[str, Credential] = {}
    for each in credentials:
        same = sum(other.name == each.name for other in named.values())
        named[each.name if not same else f"{each.name}{same + 1}"] = each
    return named
