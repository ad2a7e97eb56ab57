"""A sheet holds the measurements of one process where the others of its host can read them.

Two files: ``….series`` says in JSON lines what each slot means, ``….values`` is a memory-mapped array of slots, each a
double in native byte order. The owner adds to a slot with a plain store, no lock and no system call; aligned doubles
are never torn. The owner holds a lock on the first file for as long as it lives, which is how others tell the dead.

What the dead have counted stays: a total that went back would look like a flood to whoever computes rates. Each new
sheet folds the dead into ``retired.json``, so the folder stays small however often processes are restarted.
"""

import errno
import fcntl
import math
import mmap
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from headwater.observe.errors import FolderBusy, SheetFull
from headwater.observe.naming import Kind
from headwater.observe.occurrence import Level, Occurrence, report

SLOTS: Final = 1 << 17
"""Room of a sheet; the file is sparse, so only slots in use take space."""

_SLOT_BYTES: Final = 8
_ALLOCATED_SLOTS: Final = 1 << 13
"""Slots that get space on the disk at once: to write where a sparse file has none would end the process (SIGBUS)."""
_RETIRED: Final = "retired.json"

UNSEEN: Final = 0
SPARE: Final = 64
"""From `UNSEEN` on so many slots are read by nobody: what the disk has no room for is counted there."""

READ_SECONDS: Final = 2.0
"""How long a reader waits for whoever joins the folder at this moment."""

_LOOK_AGAIN_SECONDS: Final = 0.01


class SeriesUnseen(Occurrence, frozen=True, kw_only=True):
    """The disk has no room for a series, so it is in no scrape. What it counts is done all the same."""

    level: ClassVar[Level] = "warning"
    process: str
    name: str
    reason: str


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of slots means. A histogram has a slot for each bound, one for what lies above, and the sum."""

    kind: Kind
    name: str
    help: str
    labels: dict[str, str]
    bounds: tuple[float, ...] = ()
    sparse: bool = False
    """Exposed once there is something in it."""
    slot: int = 0

    @property
    def width(self) -> int:
        return len(self.bounds) + 2 if self.kind == "histogram" else 1


class Reading(msgspec.Struct, frozen=True):
    """A series and its values at one moment."""

    series: Series
    values: list[float]


class Snapshot(msgspec.Struct, frozen=True):
    """What processes have measured, the dead included; `processes` are the living, by their number."""

    readings: list[Reading]
    processes: dict[int, str]


class Sheet:
    """The sheet of this process; without a folder it is in memory and nobody else sees it."""

    def __init__(self, process: str, folder: Path | None = None) -> None:
        self.process = process
        self.folder = folder
        self._taken = SPARE
        self._allocated = 0
        self._table: list[Series] = []
        self._file = -1
        self._values = -1
        if folder is None:
            self._memory = mmap.mmap(-1, SLOTS * _SLOT_BYTES)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder, fcntl.LOCK_EX):
                _retire_the_dead(folder)
                self._create(folder)
        self.slots = memoryview(self._memory).cast("d")

    def add(self, series: Series) -> int:
        """Make room for a series; returns its first slot. Raises `SheetFull`."""
        slot = self._taken
        if slot + series.width > SLOTS or series.width > SPARE:
            raise SheetFull(slots=SLOTS)
        placed = msgspec.structs.replace(series, slot=slot)
        if self._file >= 0:
            try:
                self._allocate(slot + series.width)
                self._describe(placed)
            except OSError as error:
                report(SeriesUnseen(process=self.process, name=series.name, reason=error.strerror or str(error)))
                return UNSEEN
        self._table.append(placed)
        self._taken += series.width
        return slot

    def read(self) -> Snapshot:
        """This process's own measurements."""
        readings = [_reading(series, self.slots) for series in self._table]
        return Snapshot([each for each in readings if _is_set(each)], {os.getpid(): self.process})

    def close(self) -> None:
        """Give the files up to be folded into the retired ones by the next process."""
        if self._file >= 0:
            os.close(self._file)
            os.close(self._values)
            self._file = self._values = -1

    def _create(self, folder: Path) -> None:
        stem = f"{re.sub(r'[^a-z0-9]+', '-', self.process)}.{os.getpid()}.{os.urandom(4).hex()}"
        self._values = os.open(folder / f"{stem}.values", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._values, SLOTS * _SLOT_BYTES)
        self._memory = mmap.mmap(self._values, SLOTS * _SLOT_BYTES)
        self._allocate(1)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(folder / f"{stem}.series", flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        os.write(self._file, msgspec.json.encode(_Owner(process=self.process, pid=os.getpid())) + b"\n")

    def _describe(self, series: Series) -> None:
        """Begins with a new line: a disk that filled up in the middle of one has left it without an end."""
        line = b"\n" + msgspec.json.encode(series) + b"\n"
        if os.write(self._file, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _allocate(self, slots: int) -> None:
        while self._allocated < min(slots, SLOTS):
            os.posix_fallocate(self._values, self._allocated * _SLOT_BYTES, _ALLOCATED_SLOTS * _SLOT_BYTES)
            self._allocated += _ALLOCATED_SLOTS


def read_folder(folder: Path) -> Snapshot:
    """The measurements of every process that has had a sheet in `folder`, the dead first. Raises `FolderBusy`."""
    with _locked(folder, fcntl.LOCK_SH, READ_SECONDS):
        retired = _read_retired(folder)
        sheets = [_read_sheet(path) for path in _sheets(folder, retired)]
    return Snapshot(
        [*retired.totals, *(reading for sheet in sheets for reading in sheet.readings)],
        {pid: process for sheet in sheets for pid, process in sheet.processes.items()},
    )


class _Owner(msgspec.Struct, frozen=True):
    process: str
    pid: int


class _Retired(msgspec.Struct, frozen=True):
    """`folded` names the sheets that the totals contain: a crash before they are deleted must not count them twice."""

    folded: list[str] = []
    totals: list[Reading] = []


@contextmanager
def _locked(folder: Path, mode: int, seconds: float = math.inf) -> Iterator[None]:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if math.isinf(seconds):
            fcntl.flock(descriptor, mode)
        else:
            _lock_within(descriptor, mode, folder, seconds)
        yield
    finally:
        os.close(descriptor)


def _lock_within(descriptor: int, mode: int, folder: Path, seconds: float) -> None:
    """flock(2) has no time limit, and whoever holds the lock may have been stopped."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise FolderBusy(folder=folder, seconds=seconds) from None
            time.sleep(_LOOK_AGAIN_SECONDS)


def _retire_the_dead(folder: Path) -> None:
    before = _read_retired(folder)
    for stem in before.folded:
        _delete(folder, stem)
    for values in folder.glob("*.values"):
        if not values.with_suffix(".series").exists():  # its process died between the two files
            values.unlink()
    dead = [path for path in _sheets(folder, before) if not _is_alive(path)]
    if not dead:
        return
    counted = [reading for path in dead for reading in _read_sheet(path).readings if any(reading.values)]
    after = _Retired([path.stem for path in dead], add_up([*before.totals, *counted]))
    draft = folder / f"{_RETIRED}.draft"
    draft.write_bytes(msgspec.json.encode(after))
    draft.replace(folder / _RETIRED)
    for path in dead:
        _delete(folder, path.stem)


def add_up(readings: list[Reading]) -> list[Reading]:
    """One reading per series, its values the sums; those of different bounds are different series."""
    sums: dict[tuple[object, ...], Reading] = {}
    for reading in readings:
        series = reading.series
        identity = (series.name, series.kind, series.bounds, *sorted(series.labels.items()))
        known = sums.get(identity)
        values = reading.values if known is None else [a + b for a, b in zip(known.values, reading.values, strict=True)]
        sums[identity] = Reading(series, values)
    return list(sums.values())


def _read_retired(folder: Path) -> _Retired:
    try:
        return msgspec.json.decode((folder / _RETIRED).read_bytes(), type=_Retired)
    except FileNotFoundError:
        return _Retired()


def _sheets(folder: Path, retired: _Retired) -> list[Path]:
    return [path for path in sorted(folder.glob("*.series")) if path.stem not in retired.folded]


def _is_alive(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _read_sheet(path: Path) -> Snapshot:
    """One sheet; what the dead were doing at the end, their gauges, is over."""
    head, *lines = path.read_bytes().split(b"\n")[:-1] or [b""]
    if not head:
        return Snapshot([], {})
    owner = msgspec.json.decode(head, type=_Owner)
    alive = _is_alive(path)
    table = [series for line in lines if (series := _decode(line)) is not None]
    values = _read_values(path.with_suffix(".values"), max((each.slot + each.width for each in table), default=0))
    readings = [_reading(series, values) for series in table if alive or series.kind != "gauge"]
    return Snapshot([each for each in readings if _is_set(each)], {owner.pid: owner.process} if alive else {})


def _decode(line: bytes) -> Series | None:
    """None for half a line, as a process leaves it that is killed, or finds the disk full, while it adds a series."""
    try:
        return msgspec.json.decode(line, type=Series) if line else None
    except msgspec.DecodeError:
        return None


def _read_values(path: Path, count: int) -> "memoryview[float]":
    with path.open("rb") as file:
        return memoryview(file.read(count * _SLOT_BYTES)).cast("d")


def _reading(series: Series, slots: "memoryview[float]") -> Reading:
    return Reading(series, list(slots[series.slot : series.slot + series.width]))


def _is_set(reading: Reading) -> bool:
    """A gauge that shows nothing is not a number."""
    return reading.series.kind != "gauge" or not math.isnan(reading.values[0])


def _delete(folder: Path, stem: str) -> None:
    for suffix in (".values", ".series"):  # the series last: they are what names a sheet
        (folder / f"{stem}{suffix}").unlink(missing_ok=True)
