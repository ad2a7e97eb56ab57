"""Metrics: counted by each process, summed over all, also over those that are gone."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.observe import Metrics, subscribe
from headwater.observe import sheet as sheets
from headwater.observe.errors import FolderBusy, LabelsMismatch, MetricClash, MetricInvalid, SheetFull
from headwater.observe.exposition import expose
from headwater.observe.folder import join_metrics
from headwater.observe.instrument import show
from headwater.observe.sheet import MetricsSnapshot, add_up, read_folder

BOUNDS = (0.1, 1.0)

COUNTING = """
import os, signal, sys
from pathlib import Path
from headwater.observe import Metrics
metrics = Metrics(sys.argv[1], Path(sys.argv[2]))
metrics.counter("visits_total", "Visits.", ("route",)).of("/a").add(float(sys.argv[3]))
metrics.gauge("busy", "Busy.").set(1)
metrics.histogram("seconds", "Seconds.", (0.1, 1.0), ("route",)).of("/a").observe(0.5)
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


def test_counts_are_exposed_by_name_and_label() -> None:
    metrics = Metrics("web 1")
    visits = metrics.counter("visits_total", "Visits.", ("route",))
    visits.of("/a").add(2)
    visits.of('/"b"\n').add()
    metrics.gauge("busy", "Busy.").set(3)
    seconds = metrics.histogram("seconds", "Seconds.", BOUNDS)
    for value in (0.05, 0.1, 0.5, 7.0):
        seconds.observe(value)
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


def test_the_same_declaration_is_the_same_metric() -> None:
    metrics = Metrics()
    assert metrics.counter("a_total", "A.") is metrics.counter("a_total", "A.")
    family = metrics.counter("b_total", "B.", ("x", "y"))
    assert metrics.counter("b_total", "B.", ("x", "y")) is family
    assert family.of("1", "2") is family.of("1", "2")
    assert family.of("1", "2").index != family.of("1", "3").index


def test_one_name_is_one_metric() -> None:
    metrics = Metrics()
    metrics.gauge("a", "A.", ("x",))
    with pytest.raises(MetricClash, match=r"a gauge with the labels x, 'A\.' and as a gauge, 'A\.'"):
        metrics.gauge("a", "A.")
    with pytest.raises(MetricClash):
        metrics.histogram("a", "A.", BOUNDS, ("x",))


def test_a_family_wants_a_value_for_each_label() -> None:
    with pytest.raises(LabelsMismatch, match="has the labels x, y, not 1 of them"):
        Metrics().gauge("a", "A.", ("x", "y")).of("1")


def test_a_label_without_a_value_is_left_out() -> None:
    metrics = Metrics()
    metrics.gauge("a", "A.", ("x", "y")).of("1", "").set(2)
    assert samples(metrics) == {'a{x="1"}': 2}


def test_a_series_is_exposed_from_its_making_on_and_a_sparse_one_once_it_counted() -> None:
    metrics = Metrics()
    metrics.counter("a_total", "A.")
    metrics.gauge("b", "B.")
    metrics.counter("c_total", "C.", ("x",), sparse=True).of("1")
    metrics.histogram("d", "D.", BOUNDS, ("x",), sparse=True).of("1")
    assert samples(metrics) == {"a_total": 0, "b": 0}
    metrics.counter("c_total", "C.", ("x",), sparse=True).of("1").add()
    assert samples(metrics) == {"a_total": 0, "b": 0, 'c_total{x="1"}': 1}


def test_a_gauge_that_knows_nothing_is_absent() -> None:
    metrics = Metrics()
    lag = metrics.gauge("lag_seconds", "Lag.", ("consumer",))
    show(lag, {("a",): 1.0, ("b",): 2.0})
    show(lag, {("b",): 3.0, ("c",): 0.0})
    assert samples(metrics) == {'lag_seconds{consumer="b"}': 3, 'lag_seconds{consumer="c"}': 0}
    show(lag, {})
    assert samples(metrics) == {}


def test_a_gauge_that_one_process_does_not_know_is_that_of_the_others(tmp_path: Path) -> None:
    one, two = Metrics("one", tmp_path), Metrics("two", tmp_path)
    one.gauge("lag_seconds", "Lag.").clear()
    two.gauge("lag_seconds", "Lag.").set(4)
    assert samples(one) == {"lag_seconds": 4}
    one.close()
    two.close()


def test_both_formats_are_spoken() -> None:
    metrics = Metrics()
    metrics.counter("visits_total", "Visits.").add()
    assert metrics.expose()[0].startswith("text/plain")
    kind, text = metrics.expose("application/openmetrics-text;version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


def test_a_scrape_of_one_process_sums_all_of_them(tmp_path: Path) -> None:
    one, two = Metrics("web 1", tmp_path), Metrics("web 2", tmp_path)
    for metrics, visits in ((one, 1), (two, 10)):
        metrics.counter("visits_total", "Visits.").add(visits)
        metrics.gauge("busy", "Busy.").set(1)
        metrics.histogram("seconds", "Seconds.", BOUNDS).observe(0.5)
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
    metrics.counter("visits_total", "Visits.", ("route",)).of("/a").add()
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


def test_a_release_with_other_bounds_begins_its_histogram_anew(tmp_path: Path) -> None:
    count_and_die(tmp_path, "web 1", 1)
    metrics = Metrics("web 1", tmp_path)
    metrics.histogram("seconds", "Seconds.", (5.0,), ("route",)).of("/a").observe(2.0)
    found = {name: value for name, value in samples(metrics).items() if name.startswith("seconds")}
    assert found == {
        'seconds_bucket{le="5.0",route="/a"}': 1,
        'seconds_bucket{le="+Inf",route="/a"}': 1,
        'seconds_count{route="/a"}': 1,
        'seconds_sum{route="/a"}': 2.0,
    }
    metrics.close()


def test_a_release_may_use_a_name_for_another_kind_and_help(tmp_path: Path) -> None:
    count_and_die(tmp_path, "web 1", 5)
    metrics = Metrics("web 1", tmp_path)
    metrics.gauge("visits", "Visitors of now.").set(2)
    text = metrics.expose()[1].decode()
    assert "# HELP visits Visitors of now.\n# TYPE visits gauge\nvisits 2.0\n" in text
    assert "visits_total" not in text
    metrics.close()


def test_processes_of_one_name_are_told_apart() -> None:
    text = expose(MetricsSnapshot([], {os.getpid(): "web", os.getppid(): "web"}), "")[1].decode()
    assert {f'process="web {number}"' in text for number in (1, 2)} == {True}


def test_a_sheet_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "VALUES", sheets.SPARE + 3)
    metrics = Metrics()
    metrics.counter("a_total", "A.")
    with pytest.raises(SheetFull, match=f"{sheets.SPARE + 3} values"):
        metrics.histogram("b", "B.", BOUNDS)


def test_a_scrape_does_not_wait_for_a_process_that_was_stopped_while_it_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Metrics("web 1", tmp_path)
    monkeypatch.setattr(sheets, "READ_SECONDS", 0.05)
    with (tmp_path / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(FolderBusy):
            metrics.expose()
    metrics.expose()
    metrics.close()


def test_a_full_disk_costs_a_series_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics("web 1", tmp_path)
    told: list[Any] = []
    write = os.write
    end = subscribe(told.append)
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, line: write(descriptor, line[: len(line) // 2]))
        metrics.counter("a_total", "A.").add()
    end()
    metrics.counter("b_total", "B.").add()
    assert samples(metrics) == {"b_total": 1}
    assert [(each.process, each.name) for each in told] == [("web 1", "a")]
    metrics.close()


def test_a_folder_that_cannot_be_written_to_costs_the_sharing_only(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    told: list[Any] = []
    end = subscribe(told.append)
    metrics = join_metrics("relay", tmp_path)
    end()
    metrics.counter("a_total", "A.").add()
    assert samples(metrics) == {"a_total": 1}
    assert [type(each).__name__ for each in told] == ["MetricsUnshared"]


@pytest.mark.parametrize(
    ("kind", "name", "fault"),
    [
        ("counter", "requests", "must end with _total"),
        ("gauge", "requests_total", "and only theirs"),
        ("gauge", "requestsOpen", "lower-case letters"),
        ("gauge", "app:requests", "lower-case letters"),
        ("gauge", "requests_count", "reserved for histograms"),
        ("gauge", "requests_gauge", "includes the type 'gauge'"),
        ("gauge", "lag_milliseconds", "base unit 'seconds' instead of 'milliseconds'"),
        ("gauge", "lag_hours", "base unit 'seconds' instead of 'hours'"),
        ("gauge", "lag_ms", "'ms' abbreviates a unit"),
        ("gauge", "size_mb_held", "'mb' abbreviates a unit"),
    ],
)
def test_what_prometheus_would_not_call_so_cannot_be_declared(kind: str, name: str, fault: str) -> None:
    with pytest.raises(MetricInvalid, match=fault):
        getattr(Metrics(), kind)(name, "Help.")


@pytest.mark.parametrize(
    ("labels", "fault"),
    [(("routeName",), "'routeName'"), (("__x",), "'__x'"), (("le",), "'le' is reserved"), (("a b",), "'a b'")],
)
def test_labels_are_checked_as_names_are(labels: tuple[str, ...], fault: str) -> None:
    with pytest.raises(MetricInvalid, match=fault):
        Metrics().gauge("a", "A.", labels)


def test_help_is_needed_and_bounds_ascend() -> None:
    with pytest.raises(MetricInvalid, match="help text is missing"):
        Metrics().gauge("a", " ")
    with pytest.raises(MetricInvalid, match="bounds of a histogram must ascend"):
        Metrics().histogram("a", "A.", (1.0, 1.0))


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    metrics = Metrics("web 1", tmp_path / "metrics")
    for file in (tmp_path / "metrics").iterdir():
        assert os.stat(file).st_mode & 0o077 == 0
    metrics.close()
