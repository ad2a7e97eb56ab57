"""A server that speaks S3: rclone, serving a folder on a port of its own.

It answers a range with the right bytes under the wrong status, 200. What S3 does, 206, is had from a proxy before it.
"""

import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from headwater.objects import Location
from headwater.settings import Settings

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


class Bucket(NamedTuple):
    """`folder` is what the bucket holds, as files."""

    endpoint: str
    folder: Path

    def location(self, **changes: str) -> Location:
        given = {"url": "s3://files/below", "endpoint": self.endpoint, "region": "us-east-1"}
        return Location(**{**given, "access_key": "someone", "secret_key": "something", **changes})

    def settings(self, **changes: Any) -> Settings:
        given: dict[str, Any] = {
            "objects_url": "s3://files",
            "objects_endpoint": self.endpoint,
            "objects_region": "us-east-1",
            "objects_access_key": "someone",
            "objects_secret_key": "something",
        }
        return Settings(**{**given, **changes})


@contextmanager
def serving_bucket(*, open_to_all: bool = False) -> Iterator[Bucket]:
    """The bucket ``files``, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="headwater-s3-") as folder:
        (Path(folder) / "files").mkdir()
        program = str(Path(sys.executable).with_name("rclone"))
        options = ["--addr", "127.0.0.1:0", "--config", "/dev/null"]
        options += [] if open_to_all else ["--auth-key", "someone,something"]
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


@contextmanager
def answering_206(bucket: Bucket) -> Iterator[Bucket]:
    """The same bucket, which answers ranges as RFC 9110 has it."""
    there = urlsplit(bucket.endpoint)

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with closing(HTTPConnection(there.hostname or "", there.port)) as onward:
                onward.request(self.command, self.path, body, dict(self.headers))
                got = onward.getresponse()
                content = got.read()
                status = 206 if got.status == 200 and got.getheader("Content-Range") else got.status
                self.send_response_only(status)
                for name, value in got.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                length = got.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

        def log_message(self, *args: object) -> None:
            """Nothing."""

    with _Quiet(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, name="206 proxy")
        thread.start()
        try:
            yield bucket._replace(endpoint=f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *args: object) -> None:
        """A client that goes away in the middle is no news."""


def _address(lines: Iterator[str]) -> str:
    for line in lines:
        if found := _ADDRESS.search(line):
            return found[0]
    raise AssertionError("rclone has not said where it serves")
