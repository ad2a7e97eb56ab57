"""Transactions out of messages: the same entries, with the same ordinals, however they are cut."""

import itertools
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.log import CHANGE, EVENT, MALFORMED
from headwater.observe import Occurrence, subscribe
from headwater.wal.assembler import Assembler, Fragment
from headwater.wal.pgoutput import (
    UNCHANGED,
    Begin,
    Commit,
    Decoded,
    Delete,
    Insert,
    MalformedStream,
    Message,
    Relation,
    RelationColumn,
    Truncate,
    Update,
)
from tests.unit.wal.writer import write

ITEM = Relation(7, "shop", "item", "d", (RelationColumn("id", 23, True), RelationColumn("name", 25, False)))
WHOLE = Relation(8, "shop", "whole", "f", (RelationColumn("id", 23, True), RelationColumn("name", 25, True)))


class Step(NamedTuple):
    """What happens inside a transaction, and the entries it makes; one without an entry may still be counted."""

    messages: list[Decoded]
    counted: int
    drafts: Sequence[tuple[int, int, str | None, Any]]
    """(ordinal from here, kind, key, body)"""


def event(key: str) -> Step:
    body = json.dumps({"type": "T", "version": 1, "app": "a", "key": key})
    return Step([Message(True, 1, b"headwater", body.encode())], 1, [(0, EVENT, key, json.loads(body))])


def change(operation: str, id: int, row: dict[str, Any], ordinal: int = 0) -> tuple[int, int, str, Any]:
    body = {"table": "shop.item", "operation": operation, "key": {"id": id}, "row": row, "id": str(id)}
    return ordinal, CHANGE, str(id), body


def insert(id: int, name: str) -> Step:
    return Step([Insert(7, (str(id), name))], 1, [change("insert", id, {"id": id, "name": name})])


def update(id: int, name: str) -> Step:
    return Step([Update(7, None, None, (str(id), name))], 1, [change("update", id, {"id": id, "name": name})])


def update_of_another_column(id: int) -> Step:
    return Step([Update(7, None, None, (str(id), UNCHANGED))], 1, [change("update", id, {"id": id})])


def move(id: int, name: str) -> Step:
    moved = Update(7, (str(id), None), None, (str(id + 1), name))
    drafts = [change("delete", id, {}), change("insert", id + 1, {"id": id + 1, "name": name}, 1)]
    return Step([moved], 2, drafts)


def delete(id: int) -> Step:
    return Step([Delete(7, (str(id), None), None)], 1, [change("delete", id, {})])


def truncate(count: int) -> Step:
    body = {"table": "shop.item", "operation": "truncate", "key": {}, "row": {}, "id": ""}
    return Step([Truncate((7,) * count)], count, [(n, CHANGE, None, body) for n in range(count)])


def foreign_message() -> Step:
    return Step([Message(True, 1, b"somebody", b"x")], 1, [])


def described_again() -> Step:
    return Step([ITEM], 0, [])


ids, texts = st.integers(-5, 5), st.text(max_size=30)
steps = st.one_of(
    st.builds(event, texts.filter(lambda text: "\0" not in text)),
    st.builds(insert, ids, texts),
    st.builds(update, ids, texts),
    st.builds(update_of_another_column, ids),
    st.builds(move, ids, texts),
    st.builds(delete, ids),
    st.builds(truncate, st.integers(1, 3)),
    st.builds(foreign_message),
    st.builds(described_again),
)
transactions = st.lists(st.lists(steps, max_size=8), max_size=5)


@given(transactions, st.integers(1, 2000))
def test_cutting_changes_nothing_but_the_number_of_fragments(order: list[list[Step]], fragment_bytes: int) -> None:
    fragments = feed(Assembler(fragment_bytes), [ITEM, *stream(order)])
    assert list(assembled(fragments)) == list(expected(order))
    for fragment, following in itertools.pairwise(fragments):
        assert (fragment.end_lsn is None) == (fragment.commit_lsn == following.commit_lsn)
    for fragment in fragments:
        if fragment.end_lsn is None:
            assert fragment.drafts, "a part of a transaction that has nothing in it"
        assert fragment.last_ordinal >= max((draft.ordinal for draft in fragment.drafts), default=0)


@given(transactions)
def test_a_transaction_that_fits_is_one_fragment(order: list[list[Step]]) -> None:
    fragments = feed(Assembler(), [ITEM, *stream(order)])
    assert [fragment.end_lsn for fragment in fragments] == [end_lsn(number) for number in range(len(order))]
    assert not any(fragment.marks for fragment in fragments)


def stream(order: list[list[Step]]) -> list[Decoded]:
    messages: list[Decoded] = []
    for number, transaction in enumerate(order):
        messages.append(Begin(commit_lsn(number), 0, number))
        messages += [message for step in transaction for message in step.messages]
        messages.append(Commit(commit_lsn(number), end_lsn(number), 0))
    return messages


def expected(order: list[list[Step]]) -> Any:
    for number, transaction in enumerate(order):
        counted = 0
        for step in transaction:
            for offset, kind, key, body in step.drafts:
                yield commit_lsn(number), counted + offset, kind, key, body
            counted += step.counted


def assembled(fragments: list[Fragment]) -> Any:
    for fragment in fragments:
        for draft in fragment.drafts:
            yield fragment.commit_lsn, draft.ordinal, draft.kind, draft.key, msgspec.json.decode(draft.body)


def commit_lsn(number: int) -> int:
    return 1000 + number * 16


def end_lsn(number: int) -> int:
    return 1008 + number * 16


def feed(assembler: Assembler, messages: Sequence[Decoded]) -> list[Fragment]:
    return [fed for message in messages if isinstance(fed := assembler.feed(write(message)), Fragment)]


def transaction(*messages: Decoded) -> list[Decoded]:
    return [Begin(1000, 0, 5), *messages, Commit(1000, 1008, 0)]


def only(messages: list[Decoded]) -> Fragment:
    (fragment,) = feed(Assembler(), messages)
    return fragment


def bodies(fragment: Fragment) -> list[Any]:
    return [msgspec.json.decode(draft.body) for draft in fragment.drafts]


def test_the_end_of_a_transaction_in_parts_moves_the_head_even_with_nothing_in_it() -> None:
    parts = feed(Assembler(fragment_bytes=1), transaction(*event("k").messages))
    assert [(part.end_lsn, len(part.drafts), part.marks) for part in parts] == [(None, 1, False), (1008, 0, True)]


def test_a_heartbeat_moves_the_head_and_the_next_transaction_does_not_by_itself() -> None:
    beat = Message(True, 1, b"headwater.heartbeat", b"")
    first, second = feed(Assembler(), [*transaction(beat), *transaction()])
    assert (first.marks, first.drafts, first.last_ordinal) == (True, [], 0)
    assert not second.marks


def test_a_message_outside_any_transaction_is_refused_and_told() -> None:
    told: list[Occurrence] = []
    unsubscribe = subscribe(told.append)
    outside = [Message(False, 77, b"headwater", b"x"), Message(False, 78, b"somebody", b"x")]
    assert feed(Assembler(), outside) == []
    unsubscribe()
    assert [msgspec.structs.asdict(occurrence) for occurrence in told] == [{"lsn": 77}]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"type":1}', b"\xff", b'{"data":' + b"[" * 100_000])
def test_what_is_no_envelope_is_kept_as_malformed(content: bytes) -> None:
    (draft,) = only(transaction(Message(True, 1, b"headwater", content))).drafts
    assert (draft.kind, draft.key, draft.body) == (MALFORMED, "", content)


def test_an_old_row_under_identity_full_tells_whether_the_key_changed() -> None:
    same = Update(8, None, ("1", "a"), ("1", "a"))
    changed = Update(8, None, ("1", "a"), ("1", "b"))
    fragment = only([WHOLE, *transaction(same, changed)])
    assert [(body["operation"], body["id"]) for body in bodies(fragment)] == [
        ("update", "1,a"),
        ("delete", "1,a"),
        ("insert", "1,b"),
    ]


def test_a_key_of_null_and_a_key_of_another_column_are_told_apart() -> None:
    swapped = Update(8, None, (None, "7"), ("7", None))
    assert [body["operation"] for body in bodies(only([WHOLE, *transaction(swapped)]))] == ["delete", "insert"]


def test_a_large_value_that_was_left_alone_is_taken_from_the_old_row() -> None:
    left_alone = Update(8, None, ("1", "large"), ("1", UNCHANGED))
    (body,) = bodies(only([WHOLE, *transaction(left_alone)]))
    assert body["operation"] == "update"
    assert body["row"] == {"id": 1, "name": "large"}


def test_a_large_key_that_was_left_alone_is_no_change_of_key() -> None:
    left_alone = Update(7, ("1", None), None, (UNCHANGED, UNCHANGED))
    (body,) = bodies(only([ITEM, *transaction(left_alone)]))
    assert (body["operation"], body["key"], body["row"]) == ("update", {"id": 1}, {"id": 1})


def test_a_table_is_read_as_it_was_described_last() -> None:
    wider = Relation(7, "shop", "item", "d", (*ITEM.columns, RelationColumn("stock", 23, False)))
    fragment = only([ITEM, *transaction(Insert(7, ("1", "a")), wider, Insert(7, ("2", "b", "9")))])
    assert [body["row"] for body in bodies(fragment)] == [{"id": 1, "name": "a"}, {"id": 2, "name": "b", "stock": 9}]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([Begin(1, 0, 1), Begin(2, 0, 2)], "begins inside another"),
        ([Commit(1, 2, 0)], "does not belong"),
        ([Begin(1, 0, 1), Commit(2, 3, 0)], "does not belong"),
        ([ITEM, Insert(7, ("1", "a"))], "outside any transaction"),
        ([Message(True, 1, b"headwater", b"{}")], "outside any transaction"),
        ([Begin(1, 0, 1), Insert(9, ("1",))], "relation 9 was never described"),
        ([ITEM, Begin(1, 0, 1), Insert(7, ("1",))], "2 columns, its row 1"),
        ([ITEM, Begin(1, 0, 1), Update(7, ("1",), None, ("2", UNCHANGED))], "2 columns, its row 1"),
        ([ITEM, Begin(1, 0, 1), Insert(7, ("no number", "a"))], "a row of shop.item"),
    ],
)
def test_what_cannot_be_is_malformed(messages: list[Decoded], reason: str) -> None:
    with pytest.raises(MalformedStream, match=reason):
        feed(Assembler(), messages)
