"""Metrics: counted by each process, summed over all, also over those that are gone."""

import os
import signal
import subprocess
import sys
from bisect import bisect_left
from pathlib import Path

import pytest

from headwater.observe import Metrics
from headwater.observe import sheet as sheets
from headwater.observe.sheet import Series, SheetFull, add_up, read_folder

BOUNDS = (0.1, 1.0)

COUNTING = """
import os, signal, sys
from pathlib import Path
from headwater.observe import Metrics
metrics = Metrics(sys.argv[1], Path(sys.argv[2]))
metrics.slots[metrics.counter("visits", "Visits.", route="/a")] += float(sys.argv[3])
metrics.slots[metrics.gauge("busy", "Busy.")] += 1
histogram = metrics.histogram("seconds", "Seconds.", (0.1, 1.0), route="/a")
metrics.slots[histogram + 1] += 1
metrics.slots[histogram + 3] += 0.5
os.kill(os.getpid(), signal.SIGKILL)
"""


LIVING = """
import sys
from pathlib import Path
from headwater.observe import Metrics
metrics = Metrics("relay", Path(sys.argv[1]))
print("counting", flush=True)
sys.stdin.readline()
"""


def count_and_die(folder: Path, process: str, visits: int) -> None:
    done = subprocess.run([sys.executable, "-c", COUNTING, process, str(folder), str(visits)])
    assert done.returncode == -signal.SIGKILL


def totals(folder: Path) -> dict[str, list[float]]:
    return {reading.series.name: reading.values for reading in add_up(read_folder(folder).readings)}


def samples(metrics: Metrics) -> dict[str, float]:
    _, text = metrics.expose()
    lines = [line for line in text.decode().splitlines() if not line.startswith(("#", "process_"))]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def observe(metrics: Metrics, histogram: int, value: float) -> None:
    metrics.slots[histogram + bisect_left(BOUNDS, value)] += 1
    metrics.slots[histogram + len(BOUNDS) + 1] += value


def test_counts_are_exposed_by_name_and_label() -> None:
    metrics = Metrics("web 1")
    metrics.slots[metrics.counter("visits", "Visits.", route="/a")] += 2
    metrics.slots[metrics.counter("visits", "Visits.", route='/"b"\n')] += 1
    metrics.slots[metrics.gauge("busy", "Busy.")] += 3
    for value in (0.05, 0.1, 0.5, 7.0):
        observe(metrics, metrics.histogram("seconds", "Seconds.", BOUNDS), value)
    assert samples(metrics) == {
        'visits_total{route="/a"}': 2,
        'visits_total{route="/\\"b\\"\\n"}': 1,
        "busy": 3,
        'seconds_bucket{le="0.1"}': 2,
        'seconds_bucket{le="1.0"}': 3,
        'seconds_bucket{le="+Inf"}': 4,
        "seconds_count": 4,
        "seconds_sum": 7.65,
    }


def test_the_same_series_has_the_same_slot() -> None:
    metrics = Metrics()
    assert metrics.counter("a", "A.", x="1", y="2") == metrics.counter("a", "A.", y="2", x="1")
    assert metrics.counter("a", "A.", x="1", y="2") != metrics.counter("a", "A.", x="1", y="3")


def test_what_counted_nothing_is_not_exposed() -> None:
    metrics = Metrics()
    metrics.counter("a", "A.")
    metrics.histogram("b", "B.", BOUNDS)
    metrics.gauge("c", "C.")
    assert samples(metrics) == {"c": 0}


def test_both_formats_are_spoken() -> None:
    metrics = Metrics()
    metrics.slots[metrics.counter("visits", "Visits.")] += 1
    assert metrics.expose()[0].startswith("text/plain")
    kind, text = metrics.expose("application/openmetrics-text;version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


def test_a_scrape_of_one_process_sums_all_of_them(tmp_path: Path) -> None:
    one, two = Metrics("web 1", tmp_path), Metrics("web 2", tmp_path)
    for metrics, visits in ((one, 1), (two, 10)):
        metrics.slots[metrics.counter("visits", "Visits.")] += visits
        metrics.slots[metrics.gauge("busy", "Busy.")] += 1
        observe(metrics, metrics.histogram("seconds", "Seconds.", BOUNDS), 0.5)
    expected = {"visits_total": 11, "busy": 2, "seconds_count": 2, "seconds_sum": 1.0}
    for metrics in (one, two):
        assert {name: value for name, value in samples(metrics).items() if "bucket" not in name} == expected
    one.close()
    two.close()


def test_processes_are_told_apart_by_name(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIVING, str(tmp_path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"counting\n"
    metrics = Metrics("web 1", tmp_path)
    _, text = metrics.expose()
    assert b'process_resident_memory_bytes{process="web 1"}' in text
    assert b'process_resident_memory_bytes{process="relay"}' in text
    child.communicate(b"end\n", timeout=10)
    _, text = metrics.expose()
    assert b'process="relay"' not in text
    metrics.close()


def test_what_the_dead_have_counted_is_kept_and_what_they_were_doing_is_not(tmp_path: Path) -> None:
    count_and_die(tmp_path, "web 1", 5)
    assert totals(tmp_path) == {"visits": [5], "seconds": [0, 1, 0, 0.5]}
    count_and_die(tmp_path, "web 1", 7)
    metrics = Metrics("web 1", tmp_path)
    metrics.slots[metrics.counter("visits", "Visits.", route="/a")] += 1
    assert totals(tmp_path) == {"visits": [13], "seconds": [0, 2, 0, 1.0]}
    metrics.close()


def test_many_deaths_leave_few_files(tmp_path: Path) -> None:
    for _ in range(4):
        count_and_die(tmp_path, "web 1", 1)
    metrics = Metrics("web 1", tmp_path)
    assert len(list(tmp_path.glob("*.series"))) == 1
    assert len(list(tmp_path.glob("*.values"))) == 1
    assert totals(tmp_path)["visits"] == [4]
    metrics.close()


def test_a_crash_while_folding_counts_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count_and_die(tmp_path, "web 1", 5)
    with monkeypatch.context() as patched:
        patched.setattr(sheets, "_delete", _crash)
        with pytest.raises(KeyboardInterrupt):
            Metrics("web 1", tmp_path)
    assert totals(tmp_path)["visits"] == [5]
    metrics = Metrics("web 1", tmp_path)
    assert totals(tmp_path)["visits"] == [5]
    assert len(list(tmp_path.glob("*.series"))) == 1
    metrics.close()


def _crash(folder: Path, stem: str) -> None:
    raise KeyboardInterrupt


def test_a_line_cut_short_by_a_death_is_passed_over(tmp_path: Path) -> None:
    count_and_die(tmp_path, "web 1", 5)
    (series,) = tmp_path.glob("*.series")
    with series.open("ab") as file:
        file.write(b'{"kind":"counter","na')
    assert totals(tmp_path)["visits"] == [5]
    metrics = Metrics("web 1", tmp_path)
    assert totals(tmp_path)["visits"] == [5]
    metrics.close()


def test_values_without_a_table_are_swept_away(tmp_path: Path) -> None:
    (tmp_path / "web-1.1.values").write_bytes(b"\0" * 8)
    metrics = Metrics("web 1", tmp_path)
    assert not (tmp_path / "web-1.1.values").exists()
    metrics.close()


def test_histograms_of_different_bounds_are_not_mixed(tmp_path: Path) -> None:
    series = Series(kind="histogram", name="seconds", help="", labels={}, bounds=(1.0,))
    other = Series(kind="histogram", name="seconds", help="", labels={}, bounds=(2.0,))
    one = Metrics("web 1", tmp_path)
    assert series.width == other.width
    observe(one, one.histogram("seconds", "Seconds.", BOUNDS), 0.5)
    two = Metrics("web 2", tmp_path)
    two.slots[two.histogram("seconds", "Seconds.", (5.0,))] += 1
    assert sorted(len(reading.values) for reading in add_up(read_folder(tmp_path).readings)) == [3, 4]
    one.close()
    two.close()


def test_a_sheet_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "SLOTS", 3)
    metrics = Metrics()
    metrics.counter("a", "A.")
    with pytest.raises(SheetFull, match="3 slots"):
        metrics.histogram("b", "B.", BOUNDS)


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    metrics = Metrics("web 1", tmp_path / "metrics")
    for file in (tmp_path / "metrics").iterdir():
        assert os.stat(file).st_mode & 0o077 == 0
    metrics.close()
