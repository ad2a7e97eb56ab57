"""Failures: whose fault they are, and what a person reads of them."""

from typing import Any

import asyncpg
import pytest

from headwater.consumer.failure import (
    CAUSE_CHARACTERS,
    KEY_BYTES,
    FailureClassifier,
    FailureKind,
    cause_of,
    classify,
    storable_key,
)
from headwater.consumer.throttle import Throttle
from headwater.db import Conflict, Contention, StatementTimeout, Unavailable


class FakeConnection:
    def __init__(self, *, closed: bool = False) -> None:
        self.closed = closed

    def is_closed(self) -> bool:
        return self.closed


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ValueError("x"), FailureKind.EVENT),
        (FileNotFoundError("x"), FailureKind.EVENT),
        (TimeoutError(), FailureKind.EVENT),
        (Conflict(constraint="c", table="t", detail=None), FailureKind.EVENT),
        (asyncpg.UniqueViolationError("x"), FailureKind.EVENT),
        (Contention(reason="x"), FailureKind.CONTENTION),
        (StatementTimeout(reason="x"), FailureKind.CONTENTION),
        (asyncpg.DeadlockDetectedError("x"), FailureKind.CONTENTION),
        (asyncpg.SerializationError("x"), FailureKind.CONTENTION),
        (Unavailable(reason="x", retry_after=1.0), FailureKind.DATABASE),
        (asyncpg.DiskFullError("x"), FailureKind.DATABASE),
        (asyncpg.AdminShutdownError("x"), FailureKind.DATABASE),
        (asyncpg.ReadOnlySQLTransactionError("x"), FailureKind.DATABASE),
    ],
)
def test_faults_are_told_apart(error: Exception, fault: FailureKind) -> None:
    connection: Any = FakeConnection()
    assert fault == classify(error, connection)


def test_nothing_is_an_events_fault_on_a_connection_that_is_gone() -> None:
    connection: Any = FakeConnection(closed=True)
    assert classify(ValueError("x"), connection) == FailureKind.DATABASE


def test_transactions_that_go_through_let_a_consumer_take_more_again() -> None:
    pool: Any = None
    throttle = Throttle(100)
    scales = FailureClassifier(pool, throttle, tries=3)
    throttle.collide()
    throttle.collide()
    before = throttle.entries
    for _ in range(10):
        scales.settle()
    assert (before, throttle.entries) == (25, 50)


def test_a_cause_names_the_error_its_place_and_its_own_cause() -> None:
    def deeper() -> None:
        raise KeyError("inner")

    try:
        try:
            deeper()
        except KeyError as inner:
            raise ValueError("outer") from inner
    except ValueError as error:
        lines = cause_of(error).splitlines()
    assert lines[0] == "ValueError: outer"
    assert "test_a_cause_names_the_error_its_place_and_its_own_cause" in lines[1]
    assert lines[-1] == "because of KeyError: 'inner'"


@pytest.mark.parametrize("text", ["\0", "\ud800", "x" * 10_000])
def test_a_cause_can_always_be_stored(text: str) -> None:
    stored = cause_of(ValueError(text))
    assert len(stored) <= CAUSE_CHARACTERS
    assert "\0" not in stored
    stored.encode()


def test_an_error_without_words_is_named_by_its_type() -> None:
    assert cause_of(AssertionError()) == "AssertionError"


def test_a_key_too_long_for_an_index_is_stored_by_its_digest() -> None:
    assert storable_key("é" * (KEY_BYTES // 2)) == "é" * (KEY_BYTES // 2)
    one, other = storable_key("x" * 5000), storable_key("x" * 5001)
    assert one != other
    assert len(one.encode()) <= KEY_BYTES
