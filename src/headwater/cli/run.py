"""Running a backend, and showing its status."""

import asyncio
import os
from datetime import UTC, datetime
from typing import Any, Literal

from msgspec.structs import astuple

from headwater.cli.options import AppOption
from headwater.settings import Settings, read_settings
from headwater.supervisor.locate import find_reference


def up(
    *,
    app: AppOption = None,
    port: int | None = None,
    host: str | None = None,
    web: int | None = None,
    consumers: int | None = None,
    log: Literal["files", "stdout"] = "files",
) -> None:
    """Run the whole backend until Ctrl-C: engines, relay, web workers, consumer workers.

    Parameters
    ----------
    app
        The backend, as module:name.
    port
        Port that the web workers listen on; 0 picks a free one.
    host
        Address that the web workers listen on.
    web
        Web workers, one process each.
    consumers
        Consumer workers, one process each.
    log
        Where the output of the processes goes: to files below the state folder, or to standard output as JSON lines.
    """
    from setproctitle import setproctitle

    from headwater.supervisor.up import up as run

    settings = _settings(port=port, host=host, web=web, consumers=consumers)
    setproctitle("headwater supervisor")
    asyncio.run(run(find_reference(app), settings, stream=log == "stdout"))


def dev(*, app: AppOption = None, port: int | None = None, host: str | None = None) -> None:
    """Run relay, web and consumers in one process beside the engines, and restart it when a file changes.

    Parameters
    ----------
    app
        The backend, as module:name.
    port
        Port that the web workers listen on; 0 picks a free one.
    host
        Address that the web workers listen on.
    """
    from setproctitle import setproctitle

    from headwater.supervisor.dev import dev as run

    setproctitle("headwater supervisor")
    asyncio.run(run(find_reference(app), _settings(port=port, host=host)))


def status(*, json: bool = False) -> None:
    """Show the processes, their restarts and the consumers' lag of the backend that runs in this state folder.

    Parameters
    ----------
    json
        Print one JSON object instead of a table.
    """
    from headwater.cli.output import CONSUMER_COLUMNS, print_json, print_table
    from headwater.supervisor.home import running_state

    state = running_state(read_settings().home)
    if json:
        print_json(state)
        return
    print(f"{state.backend} at {state.url}, {'ready' if state.ready else 'not ready'}, up {_since(state.started_at)}")
    print(f"metrics at {state.metrics_url}\n" if state.metrics_url else "metrics are not served\n")
    print_table(
        ("process", "state", "pid", "since", "restarts", "last exit"),
        [
            (each.name, each.phase.value, each.pid, _since(each.since), each.restarts, each.cause)
            for each in state.processes
        ],
    )
    print()
    if state.trouble is not None:
        print(f"The lag of the consumers is unknown: {state.trouble}")
    elif state.consumers:
        print_table(CONSUMER_COLUMNS, [astuple(each) for each in state.consumers])


def _settings(**options: Any) -> Settings:
    """The settings of the environment, with the options of the command line on top."""
    said = {f"HEADWATER_{name.upper()}": str(value) for name, value in options.items() if value is not None}
    return read_settings({**os.environ, **said})


def _since(moment: datetime) -> str:
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
