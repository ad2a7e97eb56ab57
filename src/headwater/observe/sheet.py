"""A sheet holds the measurements of one process where the others of its host can read them.

A sheet is two files. ``….series`` says in JSON lines what each value means. ``….values`` is a memory-mapped array of
values, each a double in native byte order. The owner adds to a value with a plain store, without a lock or a system
call; aligned doubles are never torn. The owner locks the first file for as long as it runs, so others can tell whether
it has ended.

The counts of an ended process stay, because Prometheus takes a total that decreases for a counter reset and computes
wrong rates. Each new sheet adds those of ended processes to ``retired.json``, so the folder stays small however often
processes are restarted.
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

VALUES: Final = 1 << 17
"""The capacity of a sheet. The file is sparse, so only values in use take space."""

_VALUE_BYTES: Final = 8
_ALLOCATED_VALUES: Final = 1 << 13
"""Values whose disk space is allocated at once. A write to a part without space would end the process (SIGBUS)."""
_RETIRED: Final = "retired.json"

UNSEEN: Final = 0
SPARE: Final = 64
"""So many values from `UNSEEN` on are never read. Series for which the disk has no space are counted there."""

READ_SECONDS: Final = 2.0
"""How long a reader waits while another process joins the folder."""

_LOOK_AGAIN_SECONDS: Final = 0.01


class SeriesUnseen(Occurrence, frozen=True, kw_only=True):
    """The disk has no space for a series, so it is missing from scrapes. The process itself goes on."""

    level: ClassVar[Level] = "warning"
    process: str
    name: str
    reason: str


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of consecutive values. A histogram has one for each bound, one for what lies above, and the sum."""

    kind: Kind
    name: str
    help: str
    labels: dict[str, str]
    bounds: tuple[float, ...] = ()
    sparse: bool = False
    """Exposed only once it is not 0."""
    index: int = msgspec.field(default=0, name="slot")  # the name in the file, which other releases read as well
    """Of the first value."""

    @property
    def width(self) -> int:
        return len(self.bounds) + 2 if self.kind == "histogram" else 1


class SeriesValues(msgspec.Struct, frozen=True):
    """A series and its values at one time."""

    series: Series
    values: list[float]


class MetricsSnapshot(msgspec.Struct, frozen=True):
    """The measurements of all processes, also of ended ones; `processes` names the running ones by their pid."""

    readings: list[SeriesValues]
    processes: dict[int, str]


class Sheet:
    """The sheet of this process. Without a folder it is in memory, where no other process reads it."""

    def __init__(self, process: str, folder: Path | None = None) -> None:
        self.process = process
        self.folder = folder
        self._taken = SPARE
        self._allocated = 0
        self._table: list[Series] = []
        self._file = -1
        self._values = -1
        if folder is None:
            self._memory = mmap.mmap(-1, VALUES * _VALUE_BYTES)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder, fcntl.LOCK_EX):
                _retire_ended(folder)
                self._create(folder)
        self.values = memoryview(self._memory).cast("d")

    def add(self, series: Series) -> int:
        """Add a series; returns the index of its first value. Raises `SheetFull`."""
        index = self._taken
        if index + series.width > VALUES or series.width > SPARE:
            raise SheetFull(values=VALUES)
        indexed = msgspec.structs.replace(series, index=index)
        if self._file >= 0:
            try:
                self._allocate(index + series.width)
                self._describe(indexed)
            except OSError as error:
                report(SeriesUnseen(process=self.process, name=series.name, reason=error.strerror or str(error)))
                return UNSEEN
        self._table.append(indexed)
        self._taken += series.width
        return index

    def read(self) -> MetricsSnapshot:
        """This process's own measurements."""
        readings = [_values_of(series, self.values) for series in self._table]
        return MetricsSnapshot([each for each in readings if _is_set(each)], {os.getpid(): self.process})

    def close(self) -> None:
        """Release the files; the next process adds their counts to the retired ones."""
        if self._file >= 0:
            os.close(self._file)
            os.close(self._values)
            self._file = self._values = -1

    def _create(self, folder: Path) -> None:
        stem = f"{re.sub(r'[^a-z0-9]+', '-', self.process)}.{os.getpid()}.{os.urandom(4).hex()}"
        self._values = os.open(folder / f"{stem}.values", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._values, VALUES * _VALUE_BYTES)
        self._memory = mmap.mmap(self._values, VALUES * _VALUE_BYTES)
        self._allocate(1)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(folder / f"{stem}.series", flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        os.write(self._file, msgspec.json.encode(_Owner(process=self.process, pid=os.getpid())) + b"\n")

    def _describe(self, series: Series) -> None:
        """Begins with a newline, because a full disk may have cut off the line before."""
        line = b"\n" + msgspec.json.encode(series) + b"\n"
        if os.write(self._file, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _allocate(self, count: int) -> None:
        while self._allocated < min(count, VALUES):
            os.posix_fallocate(self._values, self._allocated * _VALUE_BYTES, _ALLOCATED_VALUES * _VALUE_BYTES)
            self._allocated += _ALLOCATED_VALUES


def read_folder(folder: Path) -> MetricsSnapshot:
    """The measurements of every process that has had a sheet in `folder`, ended ones first. Raises `FolderBusy`."""
    with _locked(folder, fcntl.LOCK_SH, READ_SECONDS):
        retired = _read_retired(folder)
        sheets = [_read_sheet(path) for path in _sheets(folder, retired)]
    return MetricsSnapshot(
        [*retired.totals, *(reading for sheet in sheets for reading in sheet.readings)],
        {pid: process for sheet in sheets for pid, process in sheet.processes.items()},
    )


class _Owner(msgspec.Struct, frozen=True):
    process: str
    pid: int


class _Retired(msgspec.Struct, frozen=True):
    """`folded` names the sheets that the totals contain: a crash before they are deleted must not count them twice."""

    folded: list[str] = []
    totals: list[SeriesValues] = []


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
    """flock(2) has no timeout, and the process that holds the lock may be stopped."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise FolderBusy(folder=folder, seconds=seconds) from None
            time.sleep(_LOOK_AGAIN_SECONDS)


def _retire_ended(folder: Path) -> None:
    before = _read_retired(folder)
    for stem in before.folded:
        _delete(folder, stem)
    for values in folder.glob("*.values"):
        if not values.with_suffix(".series").exists():  # its process ended between the two files
            values.unlink()
    ended = [path for path in _sheets(folder, before) if not _is_alive(path)]
    if not ended:
        return
    counted = [reading for path in ended for reading in _read_sheet(path).readings if any(reading.values)]
    after = _Retired([path.stem for path in ended], add_up([*before.totals, *counted]))
    draft = folder / f"{_RETIRED}.draft"
    draft.write_bytes(msgspec.json.encode(after))
    draft.replace(folder / _RETIRED)
    for path in ended:
        _delete(folder, path.stem)


def add_up(readings: list[SeriesValues]) -> list[SeriesValues]:
    """Sum the values of each series. Histograms with different bounds are different series."""
    sums: dict[tuple[object, ...], SeriesValues] = {}
    for reading in readings:
        series = reading.series
        identity = (series.name, series.kind, series.bounds, *sorted(series.labels.items()))
        known = sums.get(identity)
        values = reading.values if known is None else [a + b for a, b in zip(known.values, reading.values, strict=True)]
        sums[identity] = SeriesValues(series, values)
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


def _read_sheet(path: Path) -> MetricsSnapshot:
    """One sheet. Gauges of an ended process are left out."""
    head, *lines = path.read_bytes().split(b"\n")[:-1] or [b""]
    if not head:
        return MetricsSnapshot([], {})
    owner = msgspec.json.decode(head, type=_Owner)
    alive = _is_alive(path)
    table = [series for line in lines if (series := _decode(line)) is not None]
    values = _read_values(path.with_suffix(".values"), max((each.index + each.width for each in table), default=0))
    readings = [_values_of(series, values) for series in table if alive or series.kind != "gauge"]
    return MetricsSnapshot([each for each in readings if _is_set(each)], {owner.pid: owner.process} if alive else {})


def _decode(line: bytes) -> Series | None:
    """None for an incomplete line: its process was killed, or the disk was full, while it added a series."""
    try:
        return msgspec.json.decode(line, type=Series) if line else None
    except msgspec.DecodeError:
        return None


def _read_values(path: Path, count: int) -> "memoryview[float]":
    with path.open("rb") as file:
        return memoryview(file.read(count * _VALUE_BYTES)).cast("d")


def _values_of(series: Series, values: "memoryview[float]") -> SeriesValues:
    return SeriesValues(series, list(values[series.index : series.index + series.width]))


def _is_set(reading: SeriesValues) -> bool:
    """A gauge that was cleared is NaN."""
    return reading.series.kind != "gauge" or not math.isnan(reading.values[0])


def _delete(folder: Path, stem: str) -> None:
    for suffix in (".values", ".series"):  # the series last: they are what names a sheet
        (folder / f"{stem}{suffix}").unlink(missing_ok=True)
