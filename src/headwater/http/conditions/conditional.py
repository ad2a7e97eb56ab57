"""Conditional responses: the validators of a handler's result, and 304 for a client that has it already.

Composed once per route. A revision is read from the handler's result, so a response that the client has is not even
encoded. Without a revision, the state is a digest of the result, encoded in the newest version.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect as shapes

from headwater.http.binding.rendering import ENCODER, Rendering
from headwater.http.conditions.options import ConditionOption
from headwater.http.message.answer import Answer, Fields
from headwater.http.message.condition import NotModified, Validators, conditions_of, evaluate, fields_of
from headwater.http.message.date import to_utc
from headwater.http.message.etag import digest_of, state_writer
from headwater.http.message.media import JSON
from headwater.http.message.request import Request
from headwater.http.route.route import Route, refuse_option
from headwater.http.step.operation import Draft
from headwater.http.types.shape import Shape, common_fields, is_leaf, leaf_type, members_of

Render = Callable[[Any, Request], Answer]

REVALIDATED: Final = "private, no-cache"
"""Lets a browser store the response, and revalidate it each time."""


class StateReader(NamedTuple):
    """Reads validators from a result; `digests` if the state is a digest of it."""

    state: Callable[[Any], bytes | None] | None
    modified: Callable[[Any], datetime | None] | None
    digests: bool

    def of(self, result: Any, variant: bytes = b"", encoded: bytes | None = None) -> Validators:
        """`encoded` is the result in JSON, in the newest version, if it is encoded already."""
        if self.digests:
            state: bytes | None = digest_of(ENCODER.encode(result) if encoded is None else encoded)
        else:
            state = self.state(result) if self.state is not None else None
        return Validators(state, self.modified(result) if self.modified is not None else None, variant)


def with_validators(draft: Draft, rendering: Rendering) -> Rendering:
    """The rendering with the validators that the route declares; raises `OptionInvalid`."""
    route, declared = draft.route, draft.option(ConditionOption)
    if route.verb == "command":
        if declared.cache_control is not None:
            refuse_option(route, "cache_control", "only responses of queries can be cached")
        changed = draft.fact(Changes)
        return _of_command(route, rendering, changed.kind if changed else None) if declared.validated else rendering
    if declared.validated:
        return _of_query(route, declared, rendering)
    return (
        rendering if declared.cache_control is None else _with_cache_control(route, declared.cache_control, rendering)
    )


class Changes(NamedTuple):
    """A note of a command with `current=`: the type of the resource that it changes."""

    kind: Any


def compile_state_reader(route: Route, returns: Any, what: str) -> StateReader:
    """The reader of validators of the type `returns`; raises `OptionInvalid` if it lacks a declared field."""
    declared = route.option(ConditionOption)
    fields = common_fields(returns) if returns is not None else {}
    state = _state_of(route, declared.etag, fields, what) if isinstance(declared.etag, str) else None
    modified = None if declared.last_modified is None else _modified_of(route, declared.last_modified, fields, what)
    return StateReader(state, modified, declared.etag is True)


def _option_named(declared: ConditionOption) -> str:
    return "etag" if declared.etag else "last_modified"


def _of_query(route: Route, declared: ConditionOption, rendering: Rendering) -> Rendering:
    option = _option_named(declared)
    if route.method != "GET":
        refuse_option(route, option, "only responses to GET can be revalidated")
    if rendering.media_type != JSON:
        refuse_option(route, option, "a stream or a Response has no known state; a Response can set its own headers")
    reading = compile_state_reader(route, rendering.result, "the answer")
    kept = [(b"cache-control", (declared.cache_control or REVALIDATED).encode())]
    render = _render_digested(reading, rendering, kept) if reading.digests else None
    return _validated(route, rendering, render or _render_revised(reading, rendering.render, kept))


def _render_revised(reading: StateReader, render: Render, kept: Fields) -> Render:
    def render_revised(result: Any, request: Request) -> Answer:
        if isinstance(result, Answer):
            return result
        validators = reading.of(result, request.variant)
        conditions = conditions_of(request)
        if conditions is not None:
            unchanged = evaluate(conditions, validators, "query")
            if unchanged is not None:
                return _not_modified(unchanged, validators, kept)
        answer = render(result, request)
        return Answer(answer.status, [*answer.fields, *fields_of(validators), *kept], answer.body)

    return render_revised


def _render_digested(reading: StateReader, rendering: Rendering, kept: Fields) -> Render:
    render, newest = rendering.render, rendering.convert is None

    def render_digested(result: Any, request: Request) -> Answer:
        if isinstance(result, Answer):
            return result
        answer = render(result, request)
        validators = reading.of(result, request.variant, answer.body if newest else None)
        conditions = conditions_of(request)
        if conditions is not None:
            unchanged = evaluate(conditions, validators, "query")
            if unchanged is not None:
                return _not_modified(unchanged, validators, kept)
        return Answer(answer.status, [*answer.fields, *fields_of(validators), *kept], answer.body)

    return render_digested


def _not_modified(unchanged: NotModified, validators: Validators, kept: Fields) -> Answer:
    """304 with the fields that a cache updates, and none about the absent content (section 15.4.5)."""
    fields = fields_of(validators._replace(state=None))
    if unchanged.etag is not None:
        fields.append((b"etag", unchanged.etag))
    return Answer(304, [*fields, *kept])


def _of_command(route: Route, rendering: Rendering, changed: Any) -> Rendering:
    """The response has the validators of its resource, if that is what the command changed."""
    if changed is not None and rendering.result != changed:
        return rendering
    if rendering.result is None:
        refuse_option(route, _option_named(route.option(ConditionOption)), "the answer has no fields")
    reading = compile_state_reader(route, rendering.result, "the answer")
    render, newest, located = rendering.render, rendering.convert is None, route.method == "PUT"

    def render_validated(result: Any, request: Request) -> Answer:
        if isinstance(result, Answer):
            return result
        answer = render(result, request)
        validators = reading.of(result, request.variant, answer.body if newest else None)
        fields = [*answer.fields, *fields_of(validators)]
        if located:
            # An ETag of a PUT would mean that the body was stored unchanged (section 9.3.4); this one is
            # that of the response's content, which Content-Location declares (section 6.4.2).
            fields.append((b"content-location", request.target.encode("latin-1")))
        return Answer(answer.status, fields, answer.body)

    return _validated(route, rendering, render_validated)


def _validated(route: Route, rendering: Rendering, render: Render) -> Rendering:
    declared = route.option(ConditionOption)
    names = ("ETag",) * bool(declared.etag) + ("Last-Modified",) * (declared.last_modified is not None)
    return msgspec.structs.replace(rendering, render=render, validators=names)


def _with_cache_control(route: Route, cache_control: str, rendering: Rendering) -> Rendering:
    if rendering.media_type != JSON:
        refuse_option(route, "cache_control", "a stream cannot be cached, and a Response sets its own headers")
    kept, render = [(b"cache-control", cache_control.encode())], rendering.render

    def render_kept(result: Any, request: Request) -> Answer:
        answer = render(result, request)
        return answer if answer is result else Answer(answer.status, [*answer.fields, *kept], answer.body)

    return msgspec.structs.replace(rendering, render=render_kept)


def _state_of(route: Route, name: str, fields: dict[str, Shape], what: str) -> Callable[[Any], bytes | None]:
    write = state_writer(_kind_of(route, "etag", name, fields, what))
    if write is None:
        refuse_option(route, f"etag={name!r}", "a revision is an int, a str, a UUID or a datetime")

    def state(result: Any) -> bytes | None:
        value = getattr(result, name)
        return None if value is None else write(value)

    return state


def _modified_of(route: Route, name: str, fields: dict[str, Shape], what: str) -> Callable[[Any], datetime | None]:
    if _kind_of(route, "last_modified", name, fields, what) is not datetime:
        refuse_option(route, f"last_modified={name!r}", "it is not a datetime")

    def modified(result: Any) -> datetime | None:
        value = getattr(result, name)
        return None if value is None else to_utc(value).replace(microsecond=0)

    return modified


def _kind_of(route: Route, option: str, name: str, fields: dict[str, Shape], what: str) -> type:
    """The type of a field, without None."""
    if name not in fields:
        known = ", ".join(fields) or "none"
        refuse_option(route, f"{option}={name!r}", f"{what} has no such field; its fields are: {known}")
    members = [each for each in members_of(fields[name]) if not isinstance(each, shapes.NoneType)]
    if len(members) != 1 or not is_leaf(members[0]):
        return object
    kind = leaf_type(members[0])
    kind = getattr(kind, "__origin__", kind)  # without its constraints
    return kind if isinstance(kind, type) else object
