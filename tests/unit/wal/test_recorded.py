"""Streams of a real PostgreSQL, recorded once, become the entries that their scenario expected."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.log import CHANGE, EVENT
from headwater.wal.assembler import Assembler, Fragment
from headwater.wal.pgoutput import Ignored, decode
from tests.length import examples
from tests.unit.wal.record import FOLDER, Transaction, read
from tests.unit.wal.writer import write

NAMES = sorted(path.name.removesuffix(".json") for path in FOLDER.glob("*.json"))
KINDS = {EVENT: "event", CHANGE: "change"}


def test_there_are_recordings() -> None:
    assert NAMES == ["altered", "copied", "identities", "interleaved", "typed"]


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_stream_becomes_what_its_scenario_expected(name: str) -> None:
    recording = read(name)
    assert transactions(assemble(recording.messages)) == recording.transactions


@settings(max_examples=examples(25))
@given(st.sampled_from(NAMES), st.integers(1, 20_000))
def test_cutting_a_recorded_stream_changes_nothing(name: str, fragment_bytes: int) -> None:
    recording = read(name)
    assert transactions(assemble(recording.messages, fragment_bytes)) == recording.transactions


@pytest.mark.parametrize("name", NAMES)
def test_the_writer_of_the_tests_writes_as_postgres_does(name: str) -> None:
    for message in read(name).messages:
        record = decode(message)
        if not isinstance(record, Ignored):
            assert decode(write(record)) == record


@pytest.mark.parametrize("name", NAMES)
def test_commits_come_in_order_and_acknowledge_beyond_themselves(name: str) -> None:
    fragments = assemble(read(name).messages)
    assert all(fragment.end_lsn is not None and fragment.commit_lsn < fragment.end_lsn for fragment in fragments)
    assert all(
        before.end_lsn is not None and before.end_lsn <= after.commit_lsn
        for before, after in itertools.pairwise(fragments)
    )


def assemble(messages: list[bytes], fragment_bytes: int = 1 << 21) -> list[Fragment]:
    assembler = Assembler(fragment_bytes)
    return [fed for message in messages if isinstance(fed := assembler.feed(message), Fragment)]


def transactions(fragments: list[Fragment]) -> list[Transaction]:
    """Those that have entries, as a scenario writes them down."""
    found: list[Transaction] = []
    for _, parts in itertools.groupby(fragments, lambda fragment: fragment.commit_lsn):
        entries: Transaction = [
            (draft.ordinal, KINDS[draft.kind], draft.key, content(draft.kind, draft.body))
            for part in parts
            for draft in part.drafts
        ]
        if entries:
            found.append(entries)
    return found


def content(kind: int, body: bytes) -> object:
    return msgspec.json.decode(body) if kind == CHANGE else None
