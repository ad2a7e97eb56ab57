"""A server that speaks S3: rclone, serving a folder on a port of its own."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from headwater.objects import Place
from headwater.settings import Settings

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


class Bucket(NamedTuple):
    """`folder` is what the bucket holds, as files."""

    endpoint: str
    folder: Path

    def place(self, **changes: str) -> Place:
        given = {"url": "s3://files/below", "endpoint": self.endpoint, "region": "us-east-1"}
        return Place(**{**given, "access_key": "someone", "secret_key": "something", **changes})

    def settings(self, **changes: object) -> Settings:
        given = {
            "objects_url": "s3://files",
            "objects_endpoint": self.endpoint,
            "objects_region": "us-east-1",
            "objects_access_key": "someone",
            "objects_secret_key": "something",
        }
        return Settings(**{**given, **changes})  # type: ignore[arg-type]


@contextmanager
def serving_bucket() -> Iterator[Bucket]:
    """The bucket ``files``, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="headwater-s3-") as folder:
        (Path(folder) / "files").mkdir()
        program = Path(sys.executable).with_name("rclone")
        options = ["--addr", "127.0.0.1:0", "--auth-key", "someone,something", "--config", "/dev/null"]
        command = [
            program,
            "serve",
            "s3",
            folder,
            *options,
            "--vfs-cache-mode",
            "off",
            "--cache-dir",
            folder + "/.cache",
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
            assert server.stderr is not None
            try:
                yield Bucket(_address(server.stderr), Path(folder) / "files")
            finally:
                server.terminate()


def _address(lines: Iterator[str]) -> str:
    for line in lines:
        if found := _ADDRESS.search(line):
            return found[0]
    raise AssertionError("rclone has not said where it serves")
