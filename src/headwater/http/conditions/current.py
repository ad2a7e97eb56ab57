"""What a command is about to change, found and locked inside its transaction, so that no update is lost.

Two clients that read the same revision and send it in If-Match both pass a check made before the transaction. Made
inside it, behind a row lock, the second waits for the first to commit, sees the new revision, and is refused.
"""

from collections.abc import Awaitable, Callable
from typing import Any, get_args

import msgspec

from headwater.commit import Tx
from headwater.http.binding.binding import Binding
from headwater.http.binding.resources import Resources
from headwater.http.conditions.condition import conditions_of, evaluate
from headwater.http.conditions.conditional import Reading, compile_reading, is_validated
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.route.route import Route, refuse_option
from headwater.http.route.signature import Adapt, Signature, read_signature


class Current:
    """The `current=` of one command; `binding` is how its parameters are filled, `kind` the type of what it finds."""

    def __init__(
        self, function: Callable[..., Awaitable[Any]], binding: Binding, kind: Any, reading: Reading, required: bool
    ) -> None:
        assert binding.tx_index is not None
        self.binding = binding
        self.kind = kind
        self._find = binding.calling(function)
        self._tx_index = binding.tx_index
        self._reading = reading
        self._required = required

    def require_condition(self, request: Request) -> None:
        """Raise a `Problem` 428 for a request that would change whatever is there, if the route refuses these."""
        if self._required and b"if-match" not in request.fields and request.fields.get(b"if-none-match") != b"*":
            detail = "Send If-Match with the ETag of what you have read, or If-None-Match: * to create."
            raise Problem(428, detail=detail)

    async def check(self, tx: Tx, request: Request) -> None:
        """Find what is there and hold it; raises a `Problem` 412 if it is not what the request expects.

        What the function raises comes out: `NoRow` is a 404, conditions or not (RFC 9110 section 13.2.1). None
        says that there is nothing yet, which conditions may ask for.
        """
        arguments = self.binding.bind(request)
        arguments[self._tx_index] = tx
        found = await self._find(*arguments)
        conditions = conditions_of(request)
        if conditions is not None:
            evaluate(conditions, None if found is None else self._reading.of(found), "command")


def compile_current(route: Route, resources: Resources, binding: Binding, adapt: Adapt | None = None) -> Current | None:
    """The `current=` of a command, None if it has none; raises a `RouteError` that names what mends it.

    `adapt` makes of its parameters those of an older version of the API; what it finds is always the newest.
    """
    if route.verb == "query":
        for option in ("current", "if_match"):
            if getattr(route, option) not in (None, "optional"):
                refuse_option(route, option, "only a command changes something")
        return None
    if route.current is None:
        if route.if_match == "required":
            refuse_option(route, "if_match='required'", "without `current=` there is nothing to compare with")
        return None
    if not is_validated(route):
        refuse_option(route, "current", "say with `etag=` or `last_modified=` what tells its states apart")
    if route.if_match == "required" and not route.etag:
        refuse_option(route, "if_match='required'", "without `etag=` there is no ETag to send")
    if binding.tx_index is None:
        refuse_option(route, "current", "the command takes no `tx: Tx`, so there is no transaction to hold it in")
    return _compile(route, resources, binding, adapt)


def _compile(route: Route, resources: Resources, beside: Binding, adapt: Adapt | None) -> Current:
    assert route.current is not None
    asked = msgspec.structs.replace(route, handler=route.current)  # what is wrong with it names this function
    signature = read_signature(asked)
    if signature.streams:
        refuse_option(asked, "current", "it streams; it has to return one thing or None")
    taken = signature if adapt is None else adapt(asked, signature)
    binding = Binding(asked, taken, resources, beside=beside)
    if binding.tx_index is None:
        refuse_option(asked, "current", "it takes no `tx: Tx`, so it cannot lock what it finds")
    if binding.body is not None and beside.body is None:
        refuse_option(asked, "current", "it takes the body, which the command does not")
    kind = _found(signature)
    reading = compile_reading(asked, kind, "what `current=` returns")
    return Current(route.current, binding, kind, reading, route.if_match == "required")


def _found(signature: Signature) -> Any:
    """The type that is returned when there is something."""
    kinds = [kind for kind in get_args(signature.returns) if kind is not type(None)]
    return kinds[0] if type(None) in get_args(signature.returns) and len(kinds) == 1 else signature.returns


def refuse_if_match(request: Request) -> None:
    """For a command that has no current state: a client that relies on If-Match is not to be believed protected."""
    if b"if-match" in request.fields:
        raise Problem(412, detail="This operation has no ETag that If-Match could be compared with.")
