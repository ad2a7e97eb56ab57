"""A server's log stays small, and its end can be shown."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.engines.serverlog import TAIL_LINES, ServerLog


@pytest.fixture
def log(tmp_path: Path) -> ServerLog:
    return ServerLog(tmp_path / "log" / "server.log", limit=100)


@pytest.fixture
def server(log: ServerLog) -> Iterator[int]:
    """What a server writes to for as long as it lives."""
    descriptor = log.open()
    yield descriptor
    os.close(descriptor)


def test_the_tail_begins_with_this_start(log: ServerLog) -> None:
    for line in (b"before\n", b"now\n"):
        descriptor = log.open()
        os.write(descriptor, line)
        os.close(descriptor)
    assert log.tail() == "now"


def test_the_tail_is_of_bounded_length(log: ServerLog, server: int) -> None:
    os.write(server, b"".join(b"%d\n" % number for number in range(1000)))
    assert log.tail().splitlines() == [str(number) for number in range(1000 - TAIL_LINES, 1000)]


def test_a_silent_server_has_an_empty_tail(log: ServerLog, server: int) -> None:
    assert log.tail() == "(empty)"


def test_past_its_limit_the_newest_part_is_kept_beside_it_and_the_server_writes_on(
    log: ServerLog, server: int, tmp_path: Path
) -> None:
    os.write(server, b"x" * 50 + b"y" * 100)
    log.trim()
    os.write(server, b"z")
    assert (tmp_path / "log" / "server.log.1").read_bytes() == b"y" * 100
    assert (tmp_path / "log" / "server.log").read_bytes() == b"z"
    assert log.tail() == "z"


def test_within_its_limit_it_is_left_alone(log: ServerLog, server: int, tmp_path: Path) -> None:
    os.write(server, b"x" * 100)
    log.trim()
    assert (tmp_path / "log" / "server.log").stat().st_size == 100


def test_trimming_what_is_not_there_does_nothing(log: ServerLog) -> None:
    log.trim()
    assert log.tail() == "(missing)"


def test_on_a_full_disk_room_is_made_even_if_the_copy_fails(log: ServerLog, server: int, tmp_path: Path) -> None:
    (tmp_path / "log" / "server.log.1").mkdir()  # nothing can be written there
    os.write(server, b"x" * 200)
    log.trim()
    assert (tmp_path / "log" / "server.log").stat().st_size == 0
