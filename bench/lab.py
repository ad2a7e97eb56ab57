"""The lab: where rows are measured. One durable PostgreSQL per row, child processes, and how long a sample lasts."""

import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench import row as rows
from bench.machine import Machine, describe_machine
from bench.row import Result, Row, Sample, order_of
from headwater.engines import EmbeddedPostgres
from headwater.testing import Databases

SECONDS = 4.0
PAIRS = 5
QUICK_SECONDS = 0.3


class Lab:
    """``with Lab(seconds=4) as lab``. Its folder is on a disk, not in memory, and is removed at the end."""

    machine: Machine
    folder: Path

    def __init__(
        self,
        *,
        seconds: float | None = None,
        quick: bool = False,
        own_client: bool = False,
        tell: Callable[[str], None] = print,
    ) -> None:
        self.quick = quick
        self.seconds = seconds or (QUICK_SECONDS if quick else SECONDS)
        """Length of one sample that can be of any length."""
        self.pairs = 1 if quick else PAIRS
        self.own_client = own_client
        self.tell = tell

    def __enter__(self) -> "Lab":
        # /tmp may be memory, where a durable commit costs nothing; /var/tmp is not (FHS 3.0 section 5.15).
        self.folder = Path(tempfile.mkdtemp(prefix="headwater-bench-", dir="/var/tmp"))
        self.folder.chmod(0o711)  # the system user that PostgreSQL runs as has to pass
        self.machine = describe_machine(self.folder)
        return self

    def __exit__(self, *failure: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def size(self, usual: int) -> int:
        """How much work a sample of fixed work does: `usual`, or, to be quick, a fiftieth."""
        return max(usual // 50, 1) if self.quick else usual

    @contextmanager
    def part(self, name: str) -> Iterator[Path]:
        """A folder of a row's own."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        folder.chmod(0o711)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)

    @asynccontextmanager
    async def postgres(self, **settings: str) -> AsyncIterator[Databases]:
        """A fresh durable PostgreSQL, as the product configures it, with `settings` on top."""
        with self.part("postgres") as folder:
            engine = EmbeddedPostgres(folder / "postgres", settings=settings)
            await engine.start()
            try:
                yield Databases(engine.url)
            finally:
                await engine.stop()

    async def run(self, sides: dict[str, Callable[[], Awaitable[Sample]]]) -> dict[str, list[Sample]]:
        """Run every side once to warm up and then `pairs` times, in turns; the samples of each."""
        samples: dict[str, list[Sample]] = {side: [] for side in sides}
        if not self.quick:
            for run in sides.values():
                await run()
        for side in order_of(list(sides), self.pairs):
            sample = await sides[side]()
            samples[side].append(sample)
            self.show(sample)
        return samples

    def show(self, sample: Sample) -> None:
        self.tell(f"  {_line(sample)}")

    def compare(self, row: Row, ours: Sequence[Sample], theirs: Sequence[Sample], load: str | None = None) -> Result:
        return rows.compare(row, ours, theirs, machine=self.machine, at=datetime.now(UTC), load=load)

    def judge(self, row: Row, samples: Sequence[Sample], beside: Sequence[Sample] = ()) -> Result:
        return rows.judge(row, samples, beside, machine=self.machine, at=datetime.now(UTC))


def open_listener() -> socket.socket:
    """A socket that listens on a free port of this machine, as the supervisor makes one for its web workers."""
    return socket.create_server(("127.0.0.1", 0), backlog=2048)


def _line(sample: Sample) -> str:
    facts = "  ".join(f"{name} {value:,.6g}" for name, value in sample.facts.items())
    return f"{sample.side:36} {sample.value:12,.1f} {sample.unit:16} {facts}"
