"""Admission: which routes authenticate, and which principals they admit.

A route authenticates only if it needs the principal: it has a parameter of type `Principal` or pages that belong to
tenants, it declares `scopes`, it is a command, or another step uses the principal.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from headwater.binding import Services
from headwater.db import Db
from headwater.http.authentication.authenticator import Authenticator
from headwater.http.message.answer import Answer
from headwater.http.message.principal import AuthenticationNeed, Principal
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.route.access import AccessOption
from headwater.http.route.call import Call
from headwater.http.route.errors import AuthenticationMissing
from headwater.http.route.route import Route, refuse_option
from headwater.http.step.operation import Operation

_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # scope-token, RFC 6749 section 3.3


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """Which principals a route admits: with `required` only authenticated ones, and only those with all `scopes` and of
    all `kinds`."""

    identity: Authenticator
    required: bool
    scopes: tuple[str, ...]
    kinds: tuple[type[Principal], ...]


def admission_of(operation: Operation, identity: Authenticator | None) -> Admission | None:
    """The admission of a route, None if it does not authenticate; raises `AuthenticationMissing` if it must and no
    authentication is configured."""
    route, scopes = operation.route, operation.option(AccessOption).scopes
    reasons = operation.facts(AuthenticationNeed)
    if identity is None:
        for reason in reasons:
            if not reason.wished:
                raise AuthenticationMissing(subject=route, handler=route.location, what=reason.what)
        if scopes:
            raise AuthenticationMissing(subject=route, handler=route.location, what=f"scopes={scopes!r}")
        return None
    _check_scopes(route, scopes)
    if not (reasons or scopes) and route.verb == "query":
        return None
    return Admission(
        identity=identity,
        required=bool(scopes) or any(each.required for each in reasons),
        scopes=scopes,
        kinds=tuple(each.kind for each in reasons if each.kind is not Principal),
    )


def with_principal(call: Call, admission: Admission, operation: Operation, services: Services) -> Call:
    """The call after authentication and authorization; otherwise a `Problem` 401, 403 or 400."""
    identify, admit, db = admission.identity.identify, _gate(admission), services[Db]

    async def call_identified(request: Request) -> Answer:
        await identify(request, db)
        admit(request.principal)
        answer = await call(request)
        if request.principal is not None:
            _keep_private(request, answer)
        return answer

    return call_identified


def _gate(admission: Admission) -> Callable[[Principal | None], None]:
    identity, required = admission.identity, admission.required
    scopes, kinds = frozenset(admission.scopes), admission.kinds

    def admit(principal: Principal | None) -> None:
        if principal is None:
            if required:
                raise identity.missing()
            return
        if not scopes <= set(principal.scopes):
            raise identity.narrow(admission.scopes)
        for kind in kinds:
            if not isinstance(principal, kind):
                raise Problem(403, detail="This operation requires another class of principal.")

    return admit


def _keep_private(request: Request, answer: Answer) -> None:
    """Forbid caches to store a response to a principal, unless it has its own Cache-Control (RFC 9111 section
    5.2.2)."""
    for name, _ in answer.fields:
        if name == b"cache-control":
            return
    request.add(b"cache-control", b"no-store")


def _check_scopes(route: Route, scopes: tuple[str, ...]) -> None:
    if isinstance(scopes, str) or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        reason = 'it must be a tuple of scopes, such as ("tasks:read", "tasks:write")'
        refuse_option(route, f"scopes={scopes!r}", reason)
