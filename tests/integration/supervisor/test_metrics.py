"""One scrape shows the whole backend, and its figures are those of the database, whatever is killed or stopped."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest

from headwater.engines import postgres_url
from headwater.settings import Settings
from tests.exposition import Samples, check_openmetrics, faults, samples
from tests.integration.supervisor.harness import SECONDS, Up, clean_environment, post, processes_of

CODE = """
from headwater import App, Backend, Backoff, Event, Tx

app = App("letters")


class Sent(Event, key="to"):
    to: str
    text: str


class Letter(Event, key="to"):
    to: str
    text: str


@app.command("POST /letters")
async def send(tx: Tx, letter: Letter) -> Letter:
    tx.emit(Sent(to=letter.to, text=letter.text))
    return letter


@app.on(Sent, retries=2, backoff=Backoff(first=0.01, most=0.01))
async def deliver(tx: Tx, event: Sent) -> None:
    if event.text == "unreadable":
        raise ValueError("nobody can read this")


backend = Backend(app)
"""
DELIVER = '{consumer="letters.deliver"}'
APPLIED = f"headwater_consumer_applied_total{DELIVER}"
LAG = f"headwater_consumer_lag_entries{DELIVER}"
ENTRIES = "headwater_relay_entries_total"


class Letters:
    """A backend to which letters are sent, and what it says of itself."""

    def __init__(self, up: Up, url: str) -> None:
        self.up = up
        self.url = url
        self._sent = 0

    async def send(self, count: int, text: str = "hello", to: str | None = None) -> None:
        for _ in range(count):
            self._sent += 1
            body = {"to": to or f"to-{self._sent % 7}", "text": text}
            await asyncio.to_thread(post, f"{self.url}/letters", body, f"letter-{self._sent}")

    async def scrape(self, accept: str = "") -> str:
        url = self.up.state().metrics_url
        assert url is not None
        return await asyncio.to_thread(fetch, url, accept)

    async def samples(self) -> Samples:
        text = await self.scrape()
        assert faults(text) == []
        return samples(text)

    async def until(self, holds: Callable[[Samples], bool]) -> Samples:
        """The samples of the first scrape for which it holds."""
        found: Samples = {}
        try:
            async with asyncio.timeout(SECONDS):
                while not holds(found := await self.samples()):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError({name: found[name] for name in sorted(found) if "_bucket" not in name}) from None
        return found

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(postgres_url(Settings(home=self.up.home)))
        try:
            yield connection
        finally:
            await connection.close()

    async def in_log(self) -> int:
        async with self.database() as connection:
            return int(await connection.fetchval("select coalesce(sum(count), 0) from headwater.batch"))


def fetch(url: str, accept: str = "") -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=5) as response:
        return str(response.read().decode())


@asynccontextmanager
async def letters(home: Path, folder: Path, **environment: str) -> AsyncIterator[Letters]:
    (folder / "letters.py").write_text(CODE)
    arguments = ("up", "--log", "stdout", "--app", "letters:backend")
    async with Up.start(home, *arguments, cwd=str(folder), HEADWATER_PARTITIONS="4", **environment) as up:
        yield Letters(up, await up.ready())


async def test_the_figures_are_those_of_the_database_and_none_goes_back_while_commits_flow(
    home: Path, tmp_path: Path
) -> None:
    async with letters(home, tmp_path, HEADWATER_WEB="2", HEADWATER_CONSUMERS="2") as running:
        sending = asyncio.create_task(running.send(60))
        before: Samples = {}
        while not sending.done():
            now = await running.samples()
            assert [name for name in before if is_count(name) and now[name] < before[name]] == []
            before = now
        await sending
        # The supervisor measures the database once a second, so its figures may be from before the first commit.
        found = await running.until(
            lambda found: found[APPLIED] == 60 and found[LAG] == 0 and found["headwater_log_size_bytes"] > 0
        )
        assert found[ENTRIES] == await running.in_log() == 60
        assert found["headwater_relay_append_entries_sum"] == 60
        assert found[f"headwater_consumer_batch_events_sum{DELIVER}"] == 60
        assert found['headwater_http_requests_total{method="POST",route="/letters",status="2xx"}'] == 60
        assert found["headwater_relay_up"] == found["headwater_slot_active"] == found["headwater_database_up"] == 1
        assert found['headwater_slot_status{status="reserved"}'] == 1
        assert found["headwater_wal_budget_bytes"] == 4096 * 1024 * 1024
        assert 0 < found["headwater_wal_held_bytes"] < found["headwater_wal_budget_left_bytes"]
        running_now = {name.partition('"')[2][:-2] for name in found if name.startswith("headwater_process_up")}
        assert running_now == {"postgres", "valkey", "web 1", "web 2", "consumer 1", "consumer 2", "relay"}
        assert found['process_resident_memory_bytes{process="supervisor"}'] > 0
        check_openmetrics(await running.scrape("application/openmetrics-text;version=1.0.0"))
        with pytest.raises(urllib.error.HTTPError, match="404"):
            await asyncio.to_thread(fetch, f"{running.url}/metrics")
        async with Up.start(home, "status") as status:
            assert await status.ended() == 0
        assert f"metrics at {running.up.state().metrics_url}\n" in status.output.decode()
        assert await running.up.stop() == 0


async def test_counts_outlive_their_process_and_go_on_in_the_next(home: Path, tmp_path: Path) -> None:
    async with letters(home, tmp_path) as running:
        await running.send(10)
        await running.until(lambda found: found[APPLIED] == found[ENTRIES] == 10)
        for name in ("consumer 1", "relay"):
            await running.up.kill(name)
        await running.send(5)
        found = await running.until(lambda found: found[APPLIED] == found[ENTRIES] == 15)
        for name in ("consumer 1", "relay"):
            assert found[f'headwater_process_restarts_total{{process="{name}"}}'] == 1
        assert found["headwater_relay_starts_total"] == 2
        assert found["headwater_relay_up"] == 1, "that of the dead one is not added"
        assert await running.in_log() == 15
        await running.up.stop()
    async with letters(home, tmp_path) as running:
        found = await running.until(lambda found: LAG in found)
        assert found[APPLIED] == 15


async def test_a_relay_that_stands_still_is_late_and_told_of_and_a_consumer_that_does_is_behind(
    home: Path, tmp_path: Path
) -> None:
    async with letters(home, tmp_path, HEADWATER_WAL_BUDGET_MB="64") as running:
        await running.send(1)
        await running.until(lambda found: found[APPLIED] == 1)
        with stopped([running.up.pid("relay")]):
            await running.send(3)
            found = await running.until(lambda found: found["headwater_relay_lag_seconds"] > 2)
            assert found["headwater_relay_lag_bytes"] > 0
            assert (found[ENTRIES], found[LAG]) == (1, 0)
            async with running.database() as connection:
                for _ in range(36):
                    await connection.execute("select pg_logical_emit_message(false, 'ballast', repeat('x', 1 << 20))")
            low = await running.up.line("WalBudgetLow")
            assert (low["level"], low["process"], low["budget_mb"]) == ("warning", "supervisor", 64)
            assert low["held_mb"] >= 32
            found = await running.until(lambda found: found["headwater_wal_held_bytes"] >= 32 << 20)
            assert found["headwater_relay_lag_bytes"] >= 32 << 20
        with stopped([running.up.pid("consumer 1")]):
            await running.send(4)
            found = await running.until(lambda found: found[ENTRIES] == 8 and found[LAG] >= 4)
            async with running.database() as connection:
                behind = await connection.fetchval(
                    "select sum(count) from headwater.batch b join headwater.watermark w"
                    " on w.partition = b.partition and b.last > w.position"
                )
            found = await running.until(lambda found: found[LAG] == behind)
            found = await running.until(lambda found: found[f"headwater_consumer_lag_seconds{DELIVER}"] > 1)
        found = await running.until(lambda found: found[LAG] == 0 and found[APPLIED] == 8)
        assert found[f"headwater_consumer_lag_seconds{DELIVER}"] == 0


async def test_a_failing_key_is_seen_failing_parked_and_recovered(home: Path, tmp_path: Path) -> None:
    async with letters(home, tmp_path) as running:
        await running.send(1, "unreadable", to="bob")
        await running.send(2, "hello", to="bob")
        await running.up.line("KeyParked")
        found = await running.until(lambda found: found[f"headwater_consumer_keys_parked{DELIVER}"] == 1)
        assert found[f"headwater_consumer_failures_total{DELIVER}"] == 3
        assert found['headwater_consumer_retries_total{consumer="letters.deliver",outcome="failed"}'] == 2
        assert found[f"headwater_consumer_parked_total{DELIVER}"] == 1
        assert (found[APPLIED], found[LAG]) == (0, 0)
        async with Up.start(home, "log", "drop", "letters.deliver", "bob") as command:
            assert await command.ended() == 0
        found = await running.until(lambda found: found[f"headwater_consumer_recovered_total{DELIVER}"] == 1)
        assert found[APPLIED] == 2
        await running.until(lambda found: found[f"headwater_consumer_keys_parked{DELIVER}"] == 0)


async def test_a_scrape_does_not_wait_for_a_database_that_was_stopped(home: Path, tmp_path: Path) -> None:
    async with letters(home, tmp_path) as running:
        await running.send(1)
        await running.until(lambda found: found[APPLIED] == 1 and LAG in found)
        with stopped(family_of(running.up.pid("postgres"))):
            found = await running.until(lambda found: found["headwater_database_up"] == 0)
            assert not [name for name in found if name.startswith(("headwater_consumer_lag", "headwater_wal_held"))]
            assert (found[APPLIED], found["headwater_wal_budget_bytes"]) == (1, 4096 * 1024 * 1024)
        await running.until(lambda found: found["headwater_database_up"] == 1 and LAG in found)
        await running.send(1)
        await running.until(lambda found: found[APPLIED] == 2)


async def test_two_run_side_by_side_and_a_port_that_is_taken_is_named(home: Path, tmp_path: Path) -> None:
    other = home.with_name("other")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with letters(home, tmp_path / "one") as one, letters(other, tmp_path / "two") as two:
        await one.send(2)
        await one.until(lambda found: found[APPLIED] == 2)
        assert (await two.samples())[APPLIED] == 0
        port = str(one.up.state().metrics_url).split(":")[2].split("/")[0]
        async with Up.start(home.with_name("third"), "up", HEADWATER_METRICS_PORT=port) as third:
            assert await third.ended() == 1
        assert f"Metrics cannot be served at 127.0.0.1, port {port}" in third.errors.decode()
        assert processes_of(home.with_name("third")) == {}


async def test_a_server_of_other_people_serves_them_once_a_port_is_named(home: Path, tmp_path: Path) -> None:
    """Granian with two workers on the database of a backend that serves none, whose state folder is not theirs."""
    async with letters(home, tmp_path, HEADWATER_METRICS_PORT="0") as running:
        assert running.up.state().metrics_url is None
        async with Up.start(home, "status") as status:
            assert await status.ended() == 0
        assert "metrics are not served" in status.output.decode()
        database = postgres_url(Settings(home=home))
        web, metrics = free_ports(2)
        environment = {"HEADWATER_POSTGRES_URL": database, "HEADWATER_METRICS_PORT": str(metrics)}
        async with granian(tmp_path, home.with_name("bare"), web, **environment) as server:
            url = f"http://127.0.0.1:{web}/livez"
            async with asyncio.timeout(SECONDS):
                while not await answers(url) or len(await served_by(metrics)) < 2:
                    assert server.returncode is None
                    await asyncio.sleep(0.05)
            for _ in range(20):
                await asyncio.to_thread(fetch, url)
            assert await served_by(metrics) == {"web 1", "web 2"}
            text = await asyncio.to_thread(fetch, f"http://127.0.0.1:{metrics}/metrics")
            assert faults(text) == []
            counted = samples(text)['headwater_http_requests_total{method="GET",route="/livez",status="2xx"}']
            assert counted >= 20
            assert "headwater_relay_up" not in text
        async with granian(tmp_path, home.with_name("bare"), web, HEADWATER_POSTGRES_URL=database):
            async with asyncio.timeout(SECONDS):
                while not await answers(url):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
            assert await served_by(metrics) == set()


@asynccontextmanager
async def granian(folder: Path, home: Path, port: int, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    options = ("--interface", "asgi", "--workers", "2", "--port", str(port))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "granian", *options, "letters:backend"),
        cwd=folder,
        env={**clean_environment(), "HEADWATER_HOME": str(home), **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
        with contextlib.suppress(ProcessLookupError):  # it leaves a worker behind that was about to start
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def served_by(port: int) -> set[str]:
    """The processes that are shown at a port; none where nobody listens."""
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        found = samples(await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}/metrics"))
        return {name.split('"')[1] for name in found if name.startswith("process_start_time_seconds")}
    return set()


async def answers(url: str) -> bool:
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        await asyncio.to_thread(fetch, url)
        return True
    return False


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def stopped(pids: Iterable[int]) -> Iterator[None]:
    """These processes do nothing meanwhile."""
    held = list(pids)
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in held:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def family_of(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def is_count(name: str) -> bool:
    return "_total" in name or "_count" in name or "_bucket" in name
