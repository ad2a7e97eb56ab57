"""Commands: one commit, with its events, once per idempotency key."""

from headwater.commit.committer import CommandRetried, Committer
from headwater.commit.emitter import Emitter
from headwater.commit.envelope import (
    EVENT_LIMIT_BYTES,
    PREFIX,
    Envelope,
    EnvelopeHeader,
    decode_envelope,
    decode_header,
    key_of,
    read_envelope,
    read_header,
    write_envelope,
)
from headwater.commit.errors import (
    CommitError,
    EnvelopeInvalid,
    EventTooLarge,
    KeyInFlight,
    KeyReused,
    OutcomeUnknown,
    TransactionEnded,
)
from headwater.commit.group import EventsLost, GroupCommit
from headwater.commit.origin import Origin
from headwater.commit.record import IdempotencyKey, Replay, Stored
from headwater.commit.tx import Tx, write_payloads

__all__ = [
    "EVENT_LIMIT_BYTES",
    "PREFIX",
    "CommandRetried",
    "CommitError",
    "Committer",
    "Emitter",
    "Envelope",
    "EnvelopeHeader",
    "EnvelopeInvalid",
    "EventTooLarge",
    "EventsLost",
    "GroupCommit",
    "IdempotencyKey",
    "KeyInFlight",
    "KeyReused",
    "Origin",
    "OutcomeUnknown",
    "Replay",
    "Stored",
    "TransactionEnded",
    "Tx",
    "decode_envelope",
    "decode_header",
    "key_of",
    "read_envelope",
    "read_header",
    "write_envelope",
    "write_payloads",
]
