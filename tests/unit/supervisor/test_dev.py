"""Reloading in `headwater dev`: what happens when the system refuses to watch files."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from headwater.observe import Occurrence, subscribe
from headwater.supervisor import dev
from headwater.supervisor.stop import Stop
from headwater.supervisor.supervisor import Supervisor


async def test_a_watch_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def refused(*paths: Path, **options: object) -> AsyncIterator[set[object]]:
        raise OSError("OS file watch limit reached.")
        yield set()

    monkeypatch.setattr(dev, "awatch", refused)
    seen: list[Occurrence] = []
    unsubscribe = subscribe(seen.append)
    try:
        await dev._reload(cast(Supervisor, None), tmp_path, tmp_path / "home", Stop())
    finally:
        unsubscribe()
    assert seen == [dev.ReloadStopped(reason="OS file watch limit reached.")]
