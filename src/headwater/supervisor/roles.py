"""The roles of a child: relay, web worker, consumer worker, or, in development, all of them in one process."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from headwater.backend import Backend
from headwater.binding import Services
from headwater.chores import run_chores, run_processes
from headwater.consumer import run_consumers
from headwater.db import Unavailable
from headwater.http.serving.server import serve
from headwater.observe import Metrics
from headwater.observe.folder import join_metrics
from headwater.observe.logging import adopt_structlog
from headwater.settings import Settings
from headwater.supervisor.assignment import Assignment
from headwater.supervisor.housekeeping import keep_house
from headwater.supervisor.locate import load_backend
from headwater.supervisor.outage import OutageApp
from headwater.supervisor.prepare import prepare
from headwater.supervisor.together import beside, together
from headwater.upkeep import Process
from headwater.wal import run_relay
from headwater.wal.stream import StreamLost

Role = Callable[[Assignment, Settings, asyncio.Event, Callable[[], None]], Awaitable[None]]
"""Runs until the event is set; calls the last argument once it is ready."""


async def relay(assignment: Assignment, settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Turn WAL into the log, and delete expired data."""
    await _relay(settings, _metrics(assignment, settings), stop, ready)


async def web(assignment: Assignment, settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Serve requests on the inherited socket."""
    backend, metrics = _load(assignment, settings), _metrics(assignment, settings)
    async with _opened(backend, assignment, settings, metrics):
        await _serve(backend, assignment, settings, stop, ready)


async def consumer(assignment: Assignment, settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Apply the log to every subscription of the backend, sharing the partitions with the other workers."""
    backend, metrics = _load(assignment, settings), _metrics(assignment, settings)
    services = backend.services(settings, name=f"headwater {assignment.name} resources", metrics=metrics)
    try:
        await backend.start(services)
        consuming = _consume(backend, services, assignment, settings, stop, ready)
        if assignment.number == 1:  # the first does what is done once per database
            await beside(consuming, run_chores(backend.declared, services))
        else:
            await consuming
    finally:
        await services.close()


async def part(assignment: Assignment, settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Run a process that a part of the backend declares."""
    backend, metrics = _load(assignment, settings), _metrics(assignment, settings)
    services = backend.services(settings, name=f"headwater {assignment.name}", metrics=metrics)
    (process,) = [each for each in backend.declared.of(Process) if each.name == assignment.process]
    try:
        await backend.start(services)
        ready()
        await services.call(process.run, {asyncio.Event: stop})
    finally:
        await services.close()


async def dev(assignment: Assignment, settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Run everything in one loop. If the backend does not load, report it and serve an `OutageApp` until it does."""
    try:
        backend = _load(assignment, settings)
        backend.check()
        backend.check_settings()
        await prepare(backend, settings)
    except (Unavailable, StreamLost):
        raise  # an engine failed, which is transient
    except Exception as error:
        logging.getLogger("headwater").error("%s", error, exc_info=error.__cause__ or error)
        with socket.socket(fileno=assignment.listener) as listener:
            await serve(OutageApp(error), socket=listener, settings=settings, stop=stop, ready=ready)
        return
    waiting, metrics = Countdown(3, ready), _metrics(assignment, settings)
    async with _opened(backend, assignment, settings, metrics):
        await together(
            _relay(settings, metrics, stop, waiting.tick),
            beside(
                _consume(backend, backend.opened.services, assignment, settings, stop, waiting.tick),
                run_chores(backend.declared, backend.opened.services),
            ),
            _serve(backend, assignment, settings, stop, waiting.tick),
            *run_processes(backend.declared, backend.opened.services, stop),
        )


ROLES: Mapping[str, Role] = {"relay": relay, "web": web, "consumer": consumer, "part": part, "dev": dev}


def _load(assignment: Assignment, settings: Settings) -> Backend:
    backend = load_backend(assignment.backend)
    adopt_structlog(assignment.name, settings.log_level)
    return backend


def _metrics(assignment: Assignment, settings: Settings) -> Metrics:
    """The metrics of this process, where the supervisor adds them up."""
    return join_metrics(assignment.name, settings.home)


async def _relay(settings: Settings, metrics: Metrics, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    url = _url(settings)
    await beside(run_relay(url, settings, stop, ready=ready, metrics=metrics), keep_house(url, settings))


@asynccontextmanager
async def _opened(
    backend: Backend, assignment: Assignment, settings: Settings, metrics: Metrics
) -> AsyncIterator[None]:
    await backend.open(settings, name=f"headwater {assignment.name}", metrics=metrics)
    try:
        yield
    finally:
        await backend.close()


async def _serve(
    backend: Backend, assignment: Assignment, settings: Settings, stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    with socket.socket(fileno=assignment.listener) as listener:
        await serve(backend.opened.served, socket=listener, settings=settings, stop=stop, ready=ready)


async def _consume(
    backend: Backend,
    services: Services,
    assignment: Assignment,
    settings: Settings,
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    await run_consumers(
        _url(settings),
        backend.subscriptions,
        worker=assignment.number,
        workers=assignment.of,
        stop=stop,
        ready=ready,
        providers=backend.compiler.providers,
        services=services,
        metrics=services[Metrics],
    )


def _url(settings: Settings) -> str:
    assert settings.postgres_url is not None, "the supervisor sets the URL of PostgreSQL"
    return settings.postgres_url


class Countdown:
    """Calls `done` at the last call."""

    def __init__(self, ticks: int, done: Callable[[], None]) -> None:
        self._left = ticks
        self._done = done

    def tick(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._done()
