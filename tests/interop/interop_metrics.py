"""The metrics of a whole backend, as Prometheus's own linter reads them; and it finds what our rules find."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.document import PROJECT, Document
from tests.exposition import faults
from tests.integration.supervisor.harness import Up, order_something
from tests.integration.supervisor.test_metrics import fetch

SECONDS = 60
DOCUMENT = PROJECT / "docs" / "how-to" / "operate.md"
PROMTOOL = shutil.which("promtool")

pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool; our own rules are tested by make test")


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="headwater-up-"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


def check(text: str) -> str:
    """What promtool has to say; nothing for what is well."""
    assert PROMTOOL is not None
    ran = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, timeout=SECONDS)
    assert (ran.returncode == 0) is (ran.stdout + ran.stderr == ""), ran
    return ran.stdout + ran.stderr


async def test_promtool_has_nothing_to_say_of_a_backend_at_work(home: Path) -> None:
    async with Up.start(home) as up:
        await order_something(await up.ready(), "first")
        await up.kill("consumer 1")
        url = up.state().metrics_url
        assert url is not None
        text = await asyncio.to_thread(fetch, url)
        assert await up.stop() == 0
    assert "headwater_consumer_applied_total" in text
    assert check(text) == ""
    assert faults(text) == []


def test_promtool_takes_the_alerts_of_the_documents(tmp_path: Path) -> None:
    assert PROMTOOL is not None
    (alerts,) = Document(DOCUMENT).blocks("yaml")
    rules = tmp_path / "alerts.yml"
    rules.write_text(alerts.text)
    ran = subprocess.run([PROMTOOL, "check", "rules", rules], capture_output=True, text=True, timeout=SECONDS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"SUCCESS: {alerts.text.count('alert:')} rules found" in ran.stdout


@pytest.mark.parametrize(
    ("kind", "name", "help", "labels"),
    [
        ("counter", "requests", "Help.", ""),
        ("gauge", "requests_total", "Help.", ""),
        ("gauge", "requestsOpen", "Help.", ""),
        ("gauge", "app:requests", "Help.", ""),
        ("gauge", "requests_count", "Help.", ""),
        ("gauge", "requests_bucket", "Help.", ""),
        ("gauge", "requests_gauge", "Help.", ""),
        ("gauge", "requests_histogram_size", "Help.", ""),
        ("gauge", "lag_milliseconds", "Help.", ""),
        ("gauge", "lag_hours", "Help.", ""),
        ("gauge", "held_kibibytes", "Help.", ""),
        ("gauge", "size_bits", "Help.", ""),
        ("gauge", "lag_ms", "Help.", ""),
        ("gauge", "size_mb_held", "Help.", ""),
        ("gauge", "lag", "", ""),
        ("gauge", "lag", "Help.", '{consumerName="x"}'),
        ("gauge", "lag", "Help.", '{le="x"}'),
        ("gauge", "lag", "Help.", '{quantile="x"}'),
    ],
)
def test_what_promtool_objects_to_so_do_our_rules(kind: str, name: str, help: str, labels: str) -> None:
    text = "".join([f"# HELP {name} {help}\n" if help else "", f"# TYPE {name} {kind}\n", f"{name}{labels} 1\n"])
    assert check(text)
    assert faults(text)


@pytest.mark.parametrize("name", ["lag_seconds", "held_bytes", "in_flight", "days_left_count_of", "headwater_up", "m"])
def test_what_our_rules_admit_so_does_promtool(name: str) -> None:
    text = f"# HELP {name} Help.\n# TYPE {name} gauge\n{name} 1\n"
    assert bool(check(text)) is bool(faults(text))
