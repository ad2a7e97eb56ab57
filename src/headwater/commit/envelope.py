"""The envelope: an event on the wire, one JSON object in a logical message with the prefix ``headwater``.

An envelope is self-contained: a reader needs neither rows nor classes to know its type, its order and its origin.
Entries with the same key are applied in commit order.
"""

import enum
import typing
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headwater.clock import Clock
from headwater.commit.errors import EnvelopeInvalid, EventTooLarge
from headwater.commit.origin import Origin
from headwater.types import Event

PREFIX = "headwater"
"""The prefix of our logical messages."""

EVENT_LIMIT_BYTES = 16 * 1024 * 1024
"""The largest envelope. PostgreSQL accepts almost a gigabyte, but relay, log and consumers hold events in memory."""

_TRACE_ID = slice(3, 35)


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event with its metadata. `at` is the time at which it was emitted, by the emitter's clock.

    `traceparent` is that of the request that caused it, in the form of W3C Trace Context: version, trace id, parent id
    and flags. Events of the first release have the trace id alone.
    """

    id: UUID
    type: str
    version: int
    app: str
    key: str
    at: datetime
    command: str
    actor: str | None = None
    traceparent: str | None = None
    trace_alone: str | None = msgspec.field(default=None, name="trace")
    data: msgspec.Raw

    @property
    def trace(self) -> str | None:
        """The trace id: 32 hexadecimal digits."""
        return self.trace_alone if self.traceparent is None else self.traceparent[_TRACE_ID]

    @property
    def continued(self) -> str | None:
        """The `traceparent` of what follows; where only the trace id is known, this event is the parent."""
        if self.traceparent is None and self.trace_alone is not None:
            return f"00-{self.trace_alone}-{self.id.hex[16:]}-00"
        return self.traceparent


class EnvelopeHeader(msgspec.Struct, frozen=True):
    """The fields of an envelope that route it; the others are skipped while decoding."""

    type: str
    version: int
    app: str
    key: str


class _Outgoing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`Envelope` for encoding, with the event itself as its data."""

    id: UUID
    type: str
    version: int
    app: str
    key: str
    at: datetime
    command: str
    actor: str | None = None
    traceparent: str | None = None
    data: Event


_encode = msgspec.json.Encoder().encode

decode_envelope = msgspec.json.Decoder(Envelope).decode
"""For readers of many: as fast as msgspec, and raises msgspec's errors. So does `decode_header`."""

decode_header = msgspec.json.Decoder(EnvelopeHeader).decode


def write_envelope(event: Event, origin: Origin, clock: Clock) -> bytes:
    """The encoded event; raises `EventTooLarge`, and `TypeError` for a key or field that cannot be encoded."""
    kind, identity = type(event), clock.uuid7()
    payload = _encode(
        _Outgoing(
            id=identity,
            type=kind.__name__,
            version=kind.__event_version__,
            app=origin.app,
            key=key_of(event) if kind.__event_key__ is not None else str(identity),
            at=clock.now(),
            command=origin.command,
            actor=origin.actor,
            traceparent=origin.traceparent,
            data=event,
        )
    )
    if len(payload) > EVENT_LIMIT_BYTES:
        raise EventTooLarge(event=kind.__name__, size=len(payload), limit=EVENT_LIMIT_BYTES)
    return payload


def read_envelope(data: bytes) -> Envelope:
    """Decode what `write_envelope` wrote; raises `EnvelopeInvalid`."""
    try:
        return decode_envelope(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EnvelopeInvalid(reason=str(error)) from error


def read_header(data: bytes) -> EnvelopeHeader:
    """Decode only what routes the event; raises `EnvelopeInvalid`."""
    try:
        return decode_header(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EnvelopeInvalid(reason=str(error)) from error


def key_of(event: Event) -> str:
    """The event's key as a string.

    A UUID is lower-case with dashes, an int decimal, a str itself. Raises `TypeError` at the first use of a class
    whose key has another type, and for a value that is not of the declared type.
    """
    kind = type(event)
    found = _keys.get(kind)
    if found is None:
        found = _keys[kind] = _key(kind)
    name, render = found
    value = getattr(event, name)
    try:
        return render(value)
    except TypeError:
        raise TypeError(f"{kind.__name__}: the key {name!r} is a {type(value).__name__}") from None


_keys: dict[type[Event], tuple[str, Callable[[Any], str]]] = {}


def _key(kind: type[Event]) -> tuple[str, Callable[[Any], str]]:
    name = kind.__event_key__
    if name is None:
        raise TypeError(f"{kind.__name__} has no key")
    declared = next(field.type for field in msgspec.structs.fields(kind) if field.name == name)
    return name, _renderer(kind, name, _plain(declared))


def _plain(declared: Any) -> Any:
    """The type under `Annotated` and `NewType`."""
    while True:
        if typing.get_origin(declared) is typing.Annotated:
            declared = typing.get_args(declared)[0]
        elif isinstance(declared, typing.NewType):
            declared = declared.__supertype__
        else:
            return declared


def _renderer(kind: type[Event], name: str, declared: Any) -> Callable[[Any], str]:
    if isinstance(declared, type):
        if issubclass(declared, UUID):
            return _dashed
        if issubclass(declared, str):
            return _text
        if issubclass(declared, int) and declared is not bool:
            return _decimal
    what = declared.__name__ if isinstance(declared, type) else declared
    raise TypeError(f"{kind.__name__}: the key {name!r} has type {what}; a key must be a UUID, an int or a str")


def _dashed(value: Any) -> str:
    if not isinstance(value, UUID):
        raise TypeError
    return str(value)


def _text(value: Any) -> str:
    text = str.__str__(value.value if isinstance(value, enum.Enum) else value)
    if "\0" in text:
        raise ValueError("a key cannot contain a NUL character, because PostgreSQL's text cannot")
    return text


def _decimal(value: Any) -> str:
    if isinstance(value, bool):
        raise TypeError
    return int.__repr__(value)
