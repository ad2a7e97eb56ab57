"""Lines reach their descriptor in order and whole, and never hold up whoever writes them."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import msgspec
import pytest

from headwater.observe.linewriter import LineWriter


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def drain(descriptor: int) -> list[bytes]:
    with os.fdopen(descriptor, "rb") as file:
        return file.read().splitlines()


def test_lines_arrive_in_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, "web 1")
    for number in range(1000):
        writer.write(b"%d\n" % number)
    assert writer.flush()
    writer.close()
    os.close(writing)
    assert drain(reading) == [b"%d" % number for number in range(1000)]


def test_a_full_pipe_holds_up_nobody_and_what_is_dropped_is_counted(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    line = b"x" * 999 + b"\n"
    writer = LineWriter(writing, "web 1", limit_bytes=100_000)
    for _ in range(1000):
        writer.write(line)
    assert writer.statistics()["dropped_lines"] > 0
    assert not writer.flush(0.01)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.extend(drain(reading)))
    reader.start()
    assert writer.flush(10)
    writer.write(b"after\n")
    writer.close()
    os.close(writing)
    reader.join()
    notes = [msgspec.json.decode(line) for line in read if line.startswith(b"{")]
    assert {(note["level"], note["process"], note["event"]) for note in notes} == {("warning", "web 1", "LinesDropped")}
    assert all(note["at"].endswith("Z") for note in notes)
    said = [note["count"] for note in notes]
    assert sum(said) == writer.statistics()["dropped_lines"]
    assert read[-1] == b"after"
    assert read.count(b"x" * 999) + sum(said) == 1000


def test_a_reader_that_went_away_is_no_reason_to_fail(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    writer = LineWriter(writing, "web 1")
    writer.write(b"a\nb\n")
    assert writer.flush()
    assert writer.statistics()["dropped_lines"] == 2


def test_a_descriptor_that_does_not_block_is_waited_for(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.set_blocking(writing, False)
    writer = LineWriter(writing, "web 1")
    writer.write(b"x" * 300_000 + b"\n")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.extend(drain(reading)))
    reader.start()
    assert writer.flush(10)
    writer.close()
    os.close(writing)
    reader.join()
    assert [len(line) for line in read] == [300_000]


def test_what_is_queued_when_the_process_ends_is_written() -> None:
    code = (
        "from headwater.observe.linewriter import standard_error\n"
        "for number in range(5000): standard_error('web 1').write(b'%d\\n' % number)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr.splitlines() == [b"%d" % number for number in range(5000)]


def test_a_forked_child_writes_its_own_lines_only(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    code = (
        "import os, sys; from headwater.observe.linewriter import LineWriter\n"
        f"w = LineWriter({writing}, 'web 1'); w.write(b'parent\\n'); w.flush()\n"
        "pid = os.fork()\n"
        "w.write(b'child\\n' if pid == 0 else b'parent\\n')\n"
        "w.close()\n"
        "os._exit(0) if pid == 0 else os.waitpid(pid, 0)\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], pass_fds=[writing], check=True)
    os.close(writing)
    assert sorted(drain(reading)) == [b"child", b"parent", b"parent"]
