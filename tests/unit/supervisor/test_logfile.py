"""Log files of bounded size."""

from pathlib import Path

from headwater.supervisor.logfile import LogFile


def test_a_full_file_moves_aside_and_the_oldest_is_forgotten(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web-1.log", limit_bytes=10, kept=2)
    for number in range(5):
        log.write(b"line %d.\n" % number)
    log.close()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "web-1.log": b"line 4.\n",
        "web-1.log.1": b"line 3.\n",
        "web-1.log.2": b"line 2.\n",
    }


def test_a_file_of_an_earlier_run_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "relay.log"
    for text in (b"one\n", b"two\n"):
        log = LogFile(path)
        log.write(text)
        log.close()
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_chunk_larger_than_the_limit_is_kept_whole(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "x.log", limit_bytes=4)
    log.write(b"much too large\n")
    log.close()
    assert (tmp_path / "x.log").read_bytes() == b"much too large\n"


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.write(b"\n")
    log.close()
    assert (tmp_path / "x.log").stat().st_mode & 0o777 == 0o600
