"""The machine that a result was measured on; without it a figure means nothing."""

import os
import platform
import subprocess
from pathlib import Path

import msgspec

from headwater.engines.programs import find_postgres


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader needs to know to compare. `load` is the load average of the minute before."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    postgres: str
    disk: str
    load: float

    def __str__(self) -> str:
        return (
            f"{self.cores} cores of {self.cpu}, {self.memory_gib:.0f} GiB, {self.disk}, {self.system}, "
            f"Python {self.python}, PostgreSQL {self.postgres}"
        )


def describe_machine(folder: Path) -> Machine:
    """This machine, with the file system that `folder` stands on."""
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        postgres=_postgres(),
        disk=_file_system(folder),
        load=round(os.getloadavg()[0], 2),
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _postgres() -> str:
    said = subprocess.run([find_postgres().postgres, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[-1]


def _file_system(folder: Path) -> str:
    """The type of the file system with the longest mount point above `folder`."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    above = [(len(point), kind) for point, kind in mounts if folder.is_relative_to(point)]
    return max(above)[1]
