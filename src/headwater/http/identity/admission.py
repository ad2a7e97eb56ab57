"""Admission: which routes need to know who asks, and whom they let in.

A route asks only if it needs to know: it has a parameter of type `Principal`, or one of pages that belong to tenants;
it names `scopes`; or it is a command.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

import msgspec

from headwater.db import Db
from headwater.http.binding.inputs import Input
from headwater.http.identity.identity import Identity
from headwater.http.message.answer import Answer
from headwater.http.message.principal import Principal
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.route.errors import IdentityMissing
from headwater.http.route.route import Route, refuse_option

_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # scope-token, RFC 6749 section 3.3


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a route lets in of those that `identity` knows: with `required` nobody unknown, and only principals of all
    `scopes` and all `kinds`."""

    identity: Identity
    required: bool
    scopes: tuple[str, ...]
    kinds: tuple[type[Principal], ...]


def admission_of(
    route: Route, inputs: Sequence[Input], identity: Identity | None, counts: bool = False
) -> Admission | None:
    """None for a route that does not need to know who asks; raises a `RouteError` if it does and nothing can say.

    `counts`: it counts what principals do, and addresses where nobody is known.
    """
    asked = [each for each in inputs if each.where == "principal"]
    bound = any(each.plan is not None and each.plan.tenant is not None for each in inputs)
    if identity is None:
        if asked:
            _refuse(route, f"the parameter `{asked[0].parameter}` is a Principal")
        if route.scopes:
            _refuse(route, f"scopes={route.scopes!r}")
        if bound:
            _refuse(route, "its pages belong to tenants")
        return None
    _check_scopes(route)
    if not (asked or bound or route.scopes or counts) and route.verb == "query":
        return None
    return Admission(
        identity=identity,
        required=bound or bool(route.scopes) or any(each.required for each in asked),
        scopes=route.scopes,
        kinds=tuple(each.annotation for each in asked if each.annotation is not Principal),
    )


def with_principal(call: Call, admission: Admission | None, db: Db) -> Call:
    """The same, once it is known who asks and that they may come in; else a `Problem` 401, 403 or 400."""
    if admission is None:
        return call
    identify, admit = admission.identity.identify, _gate(admission)

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
                raise Problem(403, detail="This is not for principals of this kind.")

    return admit


def _keep_private(request: Request, answer: Answer) -> None:
    """What is answered to somebody is kept by no cache, unless it says otherwise of itself (RFC 9111 section 5.2.2)."""
    for name, _ in answer.fields:
        if name == b"cache-control":
            return
    request.add(b"cache-control", b"no-store")


def _check_scopes(route: Route) -> None:
    if isinstance(route.scopes, str) or not all(_SCOPE.fullmatch(scope) for scope in route.scopes):
        reason = 'it is a tuple of words, as in ("tasks:read", "tasks:write")'
        refuse_option(route, f"scopes={route.scopes!r}", reason)


def _refuse(route: Route, what: str) -> NoReturn:
    raise IdentityMissing(route=route, handler=route.place, what=what)
