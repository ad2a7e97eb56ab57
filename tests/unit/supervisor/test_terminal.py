"""What a person sees."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headwater import App, Backend, Bearer, Db, Principal
from headwater.settings import Settings
from headwater.supervisor.collector import LogLine
from headwater.supervisor.keeper import Phase, ProcessState
from headwater.supervisor.prepare import Prepared
from headwater.supervisor.screen import dev_screen, screen_of, seconds_since_start
from headwater.supervisor.state import BackendState, ConsumerState
from headwater.supervisor.terminal import Terminal, summary

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def process(name: str, phase: Phase = Phase.RUNNING, restarts: int = 0) -> ProcessState:
    return ProcessState(name, phase, 1, NOW, restarts, None)


def state(*processes: ProcessState, ready: bool = True, **more: Any) -> BackendState:
    return BackendState(
        backend="shop:backend",
        supervisor=1,
        url="http://127.0.0.1:8000",
        ready=ready,
        started_at=NOW,
        updated_at=NOW + timedelta(seconds=1),
        processes=processes,
        **more,
    )


def consumer(entries: int, parked: int = 0) -> ConsumerState:
    return ConsumerState(consumer="shop.x", entries=entries, seconds=0.0, in_retry=0, parked=parked)


def test_the_line_adds_up_lag_and_restarts() -> None:
    shown = summary(
        state(process("web 1", restarts=2), process("relay"), consumers=(consumer(3), consumer(4)))
    ).plain.strip()
    assert shown == "2 processes running · lag 7 · 2 restarts · Ctrl-C stops"


def test_the_line_names_what_does_not_run_and_what_waits_for_a_person() -> None:
    shown = summary(
        state(process("web 1"), process("relay", Phase.BACKING_OFF, 1), consumers=(consumer(0, parked=2),))
    ).plain.strip()
    assert shown == "relay backing off · lag 0 · 2 keys parked · 1 restart · Ctrl-C stops"


def test_the_line_says_why_the_lag_is_not_known() -> None:
    shown = summary(state(process("web 1"), trouble="PostgreSQL is not available")).plain
    assert "lag unknown: PostgreSQL is not available" in shown


def test_before_and_after_the_backend_only_the_processes_are_told() -> None:
    assert summary(state(process("postgres", Phase.STARTING), ready=False)).plain.strip() == "postgres starting"


def test_the_screen_says_what_runs_where_and_what_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("shop")

    @app.query("GET /things/{id}")
    async def show(db: Db, id: int) -> int:
        return id

    @app.query("GET /things")
    async def list_things(db: Db) -> list[int]:
        return []

    processes = [process(name) for name in ("postgres", "valkey", "web 1", "web 2", "consumer 1", "relay")]
    prepared = Prepared(applied=[], planted="3 things were added.")
    Terminal().show_screen(screen_of(Backend(app), Settings(home=Path("/srv/hw")), state(*processes), prepared))
    shown = capsys.readouterr().out
    for part in ("shop is ready after", "http://127.0.0.1:8000", "2 web workers", "1 consumer worker", "/srv/hw/log"):
        assert part in shown
    assert "3 things were added." in shown
    assert "curl -s http://127.0.0.1:8000/things\n" in shown
    assert "Ctrl-C" in shown


def test_the_screen_tries_only_what_anybody_can_ask_without_more() -> None:
    closed, open_to_all = App("closed"), App("open")

    async def find(db: Db, secret: str) -> Principal | None:
        return None

    @closed.query("GET /mine")
    async def list_mine(db: Db, principal: Principal) -> list[int]:
        return []

    @closed.query("GET /found")
    async def search(db: Db, word: str) -> list[int]:
        return []

    @open_to_all.query("GET /all")
    async def list_all(db: Db, principal: Principal | None, word: str = "") -> list[int]:
        return []

    def tried(*apps: App) -> str | None:
        backend = Backend(*apps, identify=Bearer(find))
        return screen_of(backend, Settings(home=Path("/srv/hw")), state(process("web 1")), None).try_it

    assert tried(closed) is None
    assert tried(closed, open_to_all) == "curl -s http://127.0.0.1:8000/all"


def test_no_line_of_the_screen_is_broken_or_ends_in_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "A key was planted: " + "curl -H 'Authorization: Bearer secret' " * 8 + "/end"
    prepared = Prepared(applied=[], planted=sentence)
    Terminal().show_screen(screen_of(Backend(App("shop")), Settings(), state(process("web 1")), prepared))
    lines = capsys.readouterr().out.split("\n")
    assert f"  {sentence}" in lines
    assert [line for line in lines if line != line.rstrip()] == []


def test_external_engines_are_named_but_not_their_passwords() -> None:
    settings = Settings(home=Path("/srv/hw"), postgres_url="postgresql://u:sesame@h/d")
    rows = screen_of(Backend(App("shop")), settings, state(process("web 1")), None).rows
    assert ("Engines", "PostgreSQL, Valkey", "external: PostgreSQL") in rows
    assert "sesame" not in str(rows)


def test_without_documentation_none_is_promised() -> None:
    assert "Docs" not in [row[0] for row in dev_screen(Settings(docs=False), state(process("dev"))).rows]


def test_a_process_knows_how_long_it_lives() -> None:
    assert 0 < seconds_since_start() < 24 * 3600


def test_a_log_line_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    line = LogLine(
        process="web 1",
        level="error",
        event="HandlerFailed",
        at="2026-01-02T03:04:05.678Z",
        fields={"route": "GET /", "exception": "Trace\n  [bold]not markup[/bold]\n"},
    )
    Terminal().show_line(line)
    assert capsys.readouterr().err == (
        "03:04:05 web 1        error   HandlerFailed route=GET /\nTrace\n  [bold]not markup[/bold]\n"
    )
