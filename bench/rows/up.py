"""A cold start: `headwater up` with an empty state folder, until the first request is answered.

Everything is made anew: the database cluster, the migrations, the slot, the demo data. Python's bytecode and the
kernel's cache of files are warm, as after any first run.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bench.lab import Lab
from bench.process import ChildFailed
from bench.row import Goal, Result, Row, Sample, Sense
from headwater.supervisor.state import BackendState, StateFile

UP = Row(
    name="up",
    work="cold `headwater up` to the first answered request",
    against="",
    goal=Goal(Sense.AT_MOST, 6, "s"),
)
ROWS = (UP,)

START_SECONDS = 60.0
STOP_SECONDS = 30.0
_POLL_SECONDS = 0.005
_REQUEST = b"GET /products HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


async def measure(lab: Lab) -> list[Result]:
    samples: list[Sample] = []
    for _ in range(1 if lab.quick else 3):
        with lab.part("home") as folder:
            samples.append(await _start_and_stop(folder / "home", folder / "output"))
        lab.show(samples[-1])
    return [lab.judge(UP, samples)]


async def _start_and_stop(home: Path, output: Path) -> Sample:
    begun = time.perf_counter()
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("headwater"), "up", "--port", "0",
            env={**_without_settings(os.environ), "HEADWATER_HOME": str(home)},
            stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        async with asyncio.timeout(START_SECONDS):
            state = await _wait_listening(home, process)
            await _get(state.url)
        answered = time.perf_counter() - begun
    except (TimeoutError, ChildFailed) as error:
        written = await asyncio.to_thread(output.read_text, errors="replace")
        raise ChildFailed(f"headwater up did not answer: {error}\n{written}") from error
    finally:
        stop_seconds = await _stop(process)
    return Sample(side="headwater up", value=answered, unit="s", facts={"stop_s": stop_seconds})


async def _wait_listening(home: Path, process: asyncio.subprocess.Process) -> BackendState:
    file = StateFile(home / "run" / "state.json")
    while (state := file.read()) is None or not state.url:
        if process.returncode is not None:
            raise ChildFailed(f"it ended with {process.returncode}")
        await asyncio.sleep(_POLL_SECONDS)
    return state


async def _get(url: str) -> None:
    """The socket listens before anyone serves it, so the first request waits in its queue."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(_REQUEST)
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise ChildFailed(f"the first answer was {answer[:300]!r}")


async def _stop(process: asyncio.subprocess.Process) -> float:
    begun = time.perf_counter()
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
    return time.perf_counter() - begun


def _without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith("HEADWATER_")}
