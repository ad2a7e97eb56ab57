"""Migrations, by hand: a release pipeline runs expand before the switch and contract after it."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from headwater.backend import Backend
    from headwater.db.source import Phase
    from headwater.settings import Settings


def migrate(
    *,
    app: Annotated[str | None, Parameter(name="--app")] = None,
    phase: Literal["expand", "contract", "both"] = "both",
    check: bool = False,
) -> None:
    """Apply the missing migrations and stored functions, and create the log if there is none.

    Parameters
    ----------
    app
        The backend, as module:name.
    phase
        `expand`: what the next release needs. `contract`: the removal of what no release uses any more. Or both.
    check
        Change nothing: list the missing migrations, exit status 1 if there are any.
    """
    from headwater.engines import postgres_url
    from headwater.settings import read_settings
    from headwater.supervisor.locate import find_reference, load_backend

    backend = load_backend(find_reference(app))
    settings = read_settings()
    url = postgres_url(settings)
    phases: tuple[Phase, ...] = ("expand", "contract") if phase == "both" else (phase,)
    if check:
        asyncio.run(_check(url, backend, phases))
    else:
        asyncio.run(_apply(url, backend, settings, phases))


async def _check(url: str, backend: "Backend", phases: "tuple[Phase, ...]") -> None:
    from headwater.db import newer_functions, pending

    missing = await pending(url, backend.sources, phases)
    for file in missing:
        print(f"missing  {file.app} {file.path.name}")
    for newer in await newer_functions(url, backend.sources):
        print(f"newer    {newer.app} {newer.label}: a newer release has been here, and its function stays")
    if missing:
        sys.exit(1)
    print("Nothing is missing.")


async def _apply(url: str, backend: "Backend", settings: "Settings", phases: "tuple[Phase, ...]") -> None:
    from headwater.db import migrate
    from headwater.wal import prepare_log

    applied = await migrate(url, backend.sources, phases)
    if "expand" in phases:
        await prepare_log(url, settings, backend.published)
    for each in applied:
        print(f"applied  {each.app} {each.label}")
    if not applied:
        print("Nothing was missing.")
