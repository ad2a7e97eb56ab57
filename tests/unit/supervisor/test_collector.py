"""Where the output of processes goes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headwater.supervisor.collector import LogCollector, LogLine, plain_text, read_line

WARNING = b'{"event":"KeyParked","key":"k","at":"2026-01-01T00:00:00.000Z","level":"warning","process":"consumer 1"}'
INFO = b'{"event":"Started","at":"2026-01-01T00:00:00.000Z","level":"info","process":"consumer 1"}'


def test_everything_lands_in_the_file_and_only_trouble_is_shown(tmp_path: Path) -> None:
    shown: list[LogLine] = []
    collector = LogCollector(tmp_path, show=shown.append)
    collector.channel("consumer 1").write(INFO + b"\n" + WARNING + b"\nplain text\n")
    collector.close()
    assert (tmp_path / "consumer-1.log").read_bytes() == INFO + b"\n" + WARNING + b"\nplain text\n"
    assert [(line.event, line.level, line.fields) for line in shown] == [("KeyParked", "warning", {"key": "k"})]


@given(cuts=st.lists(st.integers(0, 300), max_size=8))
def test_lines_are_whole_wherever_the_pipe_cuts_them(cuts: list[int]) -> None:
    written = INFO + b"\n" + WARNING + b"\nand a print\n"
    places = sorted({0, len(written), *(cut for cut in cuts if cut < len(written))})
    streamed: list[bytes] = []
    collector = LogCollector(None, stream=streamed.append)
    for start, end in pairwise(places):
        collector.channel("consumer 1").write(written[start:end])
    events = [msgspec.json.decode(line)["event"] for line in b"".join(streamed).splitlines()]
    assert events == ["Started", "KeyParked", "Output"]


def test_a_print_becomes_a_json_line_in_the_stream() -> None:
    streamed: list[bytes] = []
    LogCollector(None, stream=streamed.append).channel("web 2").write(b"hello \xff\n")
    written = msgspec.json.decode(streamed[0])
    assert abs(datetime.now(UTC) - datetime.fromisoformat(written.pop("at"))) < timedelta(minutes=1)
    assert written == {
        "level": "info",
        "process": "web 2",
        "event": "Output",
        "text": "hello \ufffd",
    }


def test_the_last_line_of_a_process_without_a_newline_is_kept(tmp_path: Path) -> None:
    collector = LogCollector(tmp_path)
    collector.channel("relay").write(b"Killed")
    collector.close()
    assert (tmp_path / "relay.log").read_bytes() == b"Killed\n"


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    collector = LogCollector(tmp_path)
    for _ in range(64):
        collector.channel("web 1").write(b"x" * 64 * 1024)
    assert (tmp_path / "web-1.log").stat().st_size >= 3 * 1024 * 1024
    collector.close()


def test_the_tail_of_a_failed_process_is_its_errors_if_it_has_any(tmp_path: Path) -> None:
    channel = LogCollector(tmp_path).channel("web 1")
    channel.write(INFO + b"\n")
    assert channel.tail() == "\n  Started"
    channel.write(b'{"event":"The port is gone.","level":"error","logger":"headwater"}\n')
    assert channel.tail() == "\n  The port is gone."
    channel.forget_tail()
    assert channel.tail() == ""


def test_a_full_disk_is_told_once_and_stops_nobody(tmp_path: Path) -> None:
    shown: list[LogLine] = []
    (tmp_path / "file").write_text("")
    collector = LogCollector(tmp_path / "file" / "log", show=shown.append)
    collector.channel("web 1").write(b"one\n")
    collector.channel("web 1").write(b"two\n")
    assert [line.level for line in shown] == ["error"]
    assert "Not a directory" in shown[0].event


def test_a_stack_trace_is_shown_below_its_line() -> None:
    line = read_line("web 1", b'{"event":"Failed","level":"error","route":"GET /","exception":"Trace\\n  at x\\n"}')
    assert plain_text(line) == "Failed route=GET /\nTrace\n  at x"
