"""The state of a running backend, in a small file that other commands read."""

import os
from datetime import datetime
from pathlib import Path

import msgspec

from headwater.supervisor.keeper import ProcessState


class ConsumerState(msgspec.Struct, frozen=True, kw_only=True):
    """How far one consumer is behind the head of the log."""

    consumer: str
    entries: int
    seconds: float
    """Since the oldest of them was appended."""
    in_retry: int
    """Keys that will be retried automatically."""
    parked: int
    """Parked keys, which wait for an operator."""


class BackendState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a backend at one time."""

    backend: str
    supervisor: int
    """The supervisor's process id."""
    url: str
    metrics_url: str | None = None
    """The URL of the metrics; None if they are not served."""
    ready: bool
    started_at: datetime
    updated_at: datetime
    processes: tuple[ProcessState, ...]
    consumers: tuple[ConsumerState, ...] = ()
    trouble: str | None = None
    """Why `consumers` is out of date, if it is."""


class StateFile:
    """Replaced atomically, so a reader never finds a part of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, state: BackendState) -> None:
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.write_bytes(msgspec.json.encode(state))
        os.replace(fresh, self.path)

    def read(self) -> BackendState | None:
        """The last state written; None without one, or if another version wrote it."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=BackendState)
        except (OSError, msgspec.MsgspecError):
            return None
