"""Errors that can be made without a server."""

import asyncpg
import pytest

from headwater.db import ConnectionLost, DbError, QueryFailed, SessionBusy, Unavailable, translate
from headwater.db.translate import FOREIGN


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionResetError("reset by peer"), ConnectionLost),
        (asyncpg.InterfaceError("connection is closed"), ConnectionLost),
        (asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"), ConnectionLost),
        (TimeoutError(), Unavailable),
        (asyncpg.InterfaceError("cannot perform operation: another operation is in progress"), SessionBusy),
        (asyncpg.DataError("invalid input for query argument $1"), QueryFailed),
        (
            asyncpg.InternalClientError("cannot switch to state 11; another operation"),
            ConnectionLost,
        ),
    ],
)
def test_what_can_happen_on_this_side_has_a_kind(error: Exception, kind: type[DbError]) -> None:
    assert isinstance(error, FOREIGN)
    assert type(translate(error)) is kind


def test_a_time_to_try_again_comes_with_every_outage() -> None:
    assert translate(ConnectionResetError()).retry_after > 0


def test_the_statement_becomes_a_note() -> None:
    assert translate(TimeoutError(), "select 1").__notes__ == ["in: select 1"]
