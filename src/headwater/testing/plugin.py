"""The pytest plugin: runs ``async def`` tests, and gives each test that asks for it a running backend.

Each test has one event loop, shared with its `backend`, whose relay and consumers run in it as tasks. Only what a test
uses is started. Override the fixtures `headwater_backend` (which backend) and `headwater_settings` in
your conftest.py.
"""

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from headwater.backend import Backend
    from headwater.settings import Settings
    from headwater.testing.databases import Databases
    from headwater.testing.running import RunningBackend
    from headwater.testing.server import Server

FOREIGN_MARKS = ("anyio", "asyncio", "trio")
"""A test with one of these belongs to another plugin."""

_RUNNER = pytest.StashKey[asyncio.Runner]()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine function in the test's event loop."""
    if any(pyfuncitem.get_closest_marker(mark) for mark in FOREIGN_MARKS):
        return None
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        names = pyfuncitem._fixtureinfo.argnames
        _run(pyfuncitem, pyfuncitem.obj, {name: pyfuncitem.funcargs[name] for name in names})
        return True
    _make_examples_sync(pyfuncitem)
    return None


@pytest.fixture
def headwater_runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    """The event loop of this test."""
    with new_runner() as runner:
        request.node.stash[_RUNNER] = runner
        yield runner


@pytest.fixture(scope="session")
def headwater_databases() -> Iterator["Databases"]:
    """One PostgreSQL for the session: that of HEADWATER_POSTGRES_URL, or one of its own."""
    from headwater.testing.databases import Databases

    databases = Databases(os.environ.get("HEADWATER_POSTGRES_URL") or None)
    with asyncio.Runner() as runner:
        runner.run(databases.start())
        try:
            yield databases
        finally:
            runner.run(databases.stop())


@pytest.fixture(scope="session")
def headwater_backend(request: pytest.FixtureRequest) -> "Backend":
    """The backend that pyproject.toml names, as `headwater up` finds it."""
    from headwater.supervisor.locate import find_reference, load_backend

    folder = request.config.rootpath
    return load_backend(find_reference(None, folder), folder)


@pytest.fixture(scope="session")
def headwater_settings() -> "Settings":
    """The settings of the backend; each test has its own URL and slot."""
    from headwater.settings import Settings

    return Settings(partitions=4, log_level="warning")


@pytest.fixture
def backend(
    headwater_runner: asyncio.Runner,
    headwater_databases: "Databases",
    headwater_backend: "Backend",
    headwater_settings: "Settings",
) -> Iterator["RunningBackend"]:
    """The backend on a fresh database, with its relay and its consumers running."""
    from headwater.testing.running import run_backend

    running = run_backend(headwater_backend, headwater_databases, headwater_settings)
    opened = headwater_runner.run(_enter(running))
    try:
        yield opened
    finally:
        headwater_runner.run(_leave(running))


@pytest.fixture
def live_server(headwater_runner: asyncio.Runner, backend: "RunningBackend") -> Iterator["Server"]:
    """The fixture `backend` on a port of this machine, for clients that want a real socket."""
    from headwater.testing.server import serving

    served = serving(backend, settings=backend.settings)
    try:
        yield headwater_runner.run(_enter(served))
    finally:
        headwater_runner.run(_leave(served))


def new_runner() -> asyncio.Runner:
    """A runner of the loop that Headwater runs on."""
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _enter(context: Any) -> Any:
    return await context.__aenter__()


async def _leave(context: Any) -> None:
    await context.__aexit__(None, None, None)


def _run(item: pytest.Function, test: Callable[..., Any], arguments: dict[str, Any]) -> None:
    runner = item.stash.get(_RUNNER, None)
    if runner is not None:
        runner.run(test(**arguments))
        return
    with new_runner() as runner:
        runner.run(test(**arguments))


def _make_examples_sync(item: pytest.Function) -> None:
    """Hypothesis calls the inner test once per example and does not await it, so it is made synchronous."""
    wrapper = getattr(item.obj, "hypothesis", None)
    inner = getattr(wrapper, "inner_test", None)
    if wrapper is not None and inspect.iscoroutinefunction(inner):
        wrapper.inner_test = lambda *args, **arguments: _run(item, lambda **given: inner(*args, **given), arguments)
