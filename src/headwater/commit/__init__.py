"""Commands: one commit, events inside it, idempotency keys."""

from headwater.commit.committer import CommandRetried, Committer
from headwater.commit.emitter import Emitter
from headwater.commit.envelope import (
    EVENT_LIMIT_BYTES,
    PREFIX,
    Envelope,
    Header,
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
    "EnvelopeInvalid",
    "EventTooLarge",
    "EventsLost",
    "GroupCommit",
    "Header",
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
