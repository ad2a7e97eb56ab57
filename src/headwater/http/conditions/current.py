"""The current state of what a command changes, found and locked inside its transaction, so no update is lost.

Two clients that read the same revision and send it in If-Match both pass a check made before the transaction. Made
inside it, behind a row lock, the second waits for the first to commit, sees the new revision, and is refused.
"""

from collections.abc import Awaitable, Callable
from typing import Any, get_args

import msgspec

from headwater.binding import Services
from headwater.commit import Tx
from headwater.http.binding.binding import Binding
from headwater.http.conditions.conditional import Changes, StateReader, compile_state_reader
from headwater.http.conditions.options import ConditionOption
from headwater.http.message.condition import conditions_of, evaluate
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.route.route import refuse_option
from headwater.http.route.signature import Signature, read_signature
from headwater.http.step.operation import Draft, Within


class Current:
    """The `current=` of one command; `binding` fills its parameters, `kind` is the type that it finds."""

    def __init__(
        self, function: Callable[..., Awaitable[Any]], binding: Binding, kind: Any, reading: StateReader, required: bool
    ) -> None:
        self.binding = binding
        self.kind = kind
        self._find = binding.calling(function)
        self._reading = reading
        self._required = required

    def require_condition(self, request: Request) -> None:
        """Raise a `Problem` 428 for an unconditional request, if the route requires a condition."""
        if self._required and b"if-match" not in request.fields and request.fields.get(b"if-none-match") != b"*":
            detail = "Send If-Match with the ETag of what you have read, or If-None-Match: * to create."
            raise Problem(428, detail=detail)

    def link(self, services: Services) -> Callable[[Tx, Request], Awaitable[None]]:
        """A function that finds and locks the current state, and raises a `Problem` 412 if a condition is false.

        What the function raises is propagated: `NoRow` is a 404, with or without conditions (RFC 9110 section 13.2.1).
        None means that the resource does not exist yet, which a condition may require.
        """
        bind, find, of, tx_index = self.binding.link(services).bind, self._find, self._reading.of, self.binding.tx_index
        assert tx_index is not None, "checked when it was compiled"

        async def check(tx: Tx, request: Request) -> None:
            arguments = bind(request)
            arguments[tx_index] = tx
            found = await find(*arguments)
            conditions = conditions_of(request)
            if conditions is not None:
                evaluate(conditions, None if found is None else of(found), "command")

        return check


def plan_current(draft: Draft) -> Within | None:
    """The plan of a command's preconditions; raises a `HandlerError` that names the fix."""
    route, declared = draft.route, draft.option(ConditionOption)
    if route.verb == "query":
        for option in ("current", "if_match"):
            if getattr(declared, option) not in (None, "optional"):
                refuse_option(route, option, "only a command changes something")
        return None
    if declared.current is None:
        if declared.if_match == "required":
            refuse_option(route, "if_match='required'", "without `current=` there is nothing to compare with")
        return Within(require=refuse_if_match)
    if not declared.validated:
        refuse_option(route, "current", "declare with `etag=` or `last_modified=` what identifies its states")
    if declared.if_match == "required" and not declared.etag:
        refuse_option(route, "if_match='required'", "without `etag=` there is no ETag to send")
    if draft.binding.tx_index is None:
        refuse_option(route, "current", "the command takes no `tx: Tx`, so there is no transaction to hold it in")
    current = _compile(draft, declared.current, declared.if_match == "required")
    draft.note(Changes(current.kind))
    return Within(require=current.require_condition, link=current.link, binding=current.binding)


def _compile(draft: Draft, function: Callable[..., Any], required: bool) -> Current:
    asked = msgspec.structs.replace(draft.route, handler=function)  # what is wrong with it names this function
    signature = read_signature(asked)
    if signature.streams:
        refuse_option(asked, "current", "it streams; it must return one value or None")
    taken = signature if draft.adapt is None else draft.adapt(asked, signature)
    binding = Binding(asked, taken, draft.providers, beside=draft.binding)
    if binding.tx_index is None:
        refuse_option(asked, "current", "it takes no `tx: Tx`, so it cannot lock what it finds")
    if binding.body is not None and draft.binding.body is None:
        refuse_option(asked, "current", "it takes the body, which the command does not")
    kind = _found(signature)
    reading = compile_state_reader(asked, kind, "what `current=` returns")
    return Current(function, binding, kind, reading, required)


def _found(signature: Signature) -> Any:
    """The type that is returned when the resource exists."""
    kinds = [kind for kind in get_args(signature.returns) if kind is not type(None)]
    return kinds[0] if type(None) in get_args(signature.returns) and len(kinds) == 1 else signature.returns


def refuse_if_match(request: Request) -> None:
    """For a command without `current=`: If-Match is refused, because it would not be checked."""
    if b"if-match" in request.fields:
        raise Problem(412, detail="This operation has no ETag that If-Match could be compared with.")
