"""Files through real processes and curl: interrupted, resumed, killed, slow, large."""

import asyncio
import hashlib
import os
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from headwater.engines.postgres import running_postgres_url
from headwater.testing import eventually
from tests.integration.files.album import MIB
from tests.integration.supervisor.harness import Up

SIZE = 200 * MIB
APP = "tests.integration.files.album:backend"
GROWTH = 80 * MIB
"""What a worker may grow by while it moves a file of `SIZE`: some parts of it, never all."""
BYTES = ("-H", "Tus-Resumable: 1.0.0", "-H", "Content-Type: application/offset+octet-stream", "-H", "Expect:")


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="headwater-up-"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A file of `SIZE`, and its SHA-256."""
    path, digest = tmp_path_factory.mktemp("large") / "large.bin", hashlib.sha256()
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for number in range(SIZE // MIB):
            piece = number.to_bytes(8, "big") + block[8:]
            digest.update(piece)
            file.write(piece)
    return path, digest.hexdigest()


@asynccontextmanager
async def running(home: Path, **environment: str) -> AsyncIterator[tuple[Up, str]]:
    async with Up.start(home, "up", "--log", "stdout", "--app", APP, **environment) as up:
        yield up, await up.ready()


async def curl(*arguments: str) -> tuple[int, bytes]:
    """The exit status of curl, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", "--max-time", "120", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output


async def create(url: str, length: int, *, name: str = "bGFyZS5iaW4=") -> str:
    headers = (
        "-H",
        "Tus-Resumable: 1.0.0",
        "-H",
        f"Upload-Length: {length}",
        "-H",
        f"Upload-Metadata: filename {name}",
    )
    status, output = await curl("-i", "-X", "POST", *headers, f"{url}/uploads")
    assert status == 0
    found = re.search(rb"(?im)^location: (\S+)", output)
    assert found is not None, output
    return url + found[1].decode()


async def offset(address: str) -> int:
    _, output = await curl("-I", "-H", "Tus-Resumable: 1.0.0", address)
    found = re.search(rb"(?im)^upload-offset: (\d+)", output)
    assert found is not None, output
    return int(found[1])


async def send_rest(address: str, file: Path, start: int, *options: str) -> asyncio.subprocess.Process:
    """curl, sending what is left of the file."""
    command = f'tail -c +{start + 1} {file} | exec curl -s -X PATCH -T - {" ".join(options)} "$@" {address}'
    return await asyncio.create_subprocess_exec(
        "sh", "-c", command, "sh", *BYTES, "-H", f"Upload-Offset: {start}", start_new_session=True
    )


async def until_offset(address: str, least: int) -> int:
    return await eventually(lambda: offset(address), lambda found: found >= least, seconds=60)


async def picture_of(up: Up) -> str:
    """The id of the newest picture, as its event in the database names it."""
    connection = await asyncpg.connect(up_url(up))
    try:
        return str(await connection.fetchval("select id from album.picture order by id desc limit 1"))
    finally:
        await connection.close()


def up_url(up: Up) -> str:
    return running_postgres_url(up.home / "postgres")


async def downloaded(url: str, picture: str) -> str:
    """The SHA-256 of what curl gets."""
    process = await asyncio.create_subprocess_exec(
        "curl", "-s", f"{url}/pictures/{picture}/file", stdout=asyncio.subprocess.PIPE, limit=MIB
    )
    digest = hashlib.sha256()
    assert process.stdout is not None
    while piece := await process.stdout.read(MIB):
        digest.update(piece)
    assert await process.wait() == 0
    return digest.hexdigest()


def memory_peak(pid: int) -> int:
    """The most bytes that a process has ever held (proc(5), VmHWM)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


async def test_an_upload_survives_its_client_and_its_worker_and_comes_back_as_it_was(
    home: Path, large: tuple[Path, str]
) -> None:
    file, digest = large
    async with running(home) as (up, url):
        address = await create(url, SIZE)

        client = await send_rest(address, file, 0, "--limit-rate", "60M")
        await until_offset(address, 16 * MIB)
        os.killpg(client.pid, 9)  # the client is gone in the middle of a part
        await client.wait()
        first = await until_offset(address, 16 * MIB)

        client = await send_rest(address, file, await offset(address), "--limit-rate", "60M")
        await until_offset(address, first + 24 * MIB)
        await up.kill("web 1")  # the worker is gone in the middle of another
        assert await client.wait() != 0
        second = await offset(address)
        assert second >= first + 24 * MIB

        client = await send_rest(address, file, second)
        assert await client.wait() == 0
        assert await offset(address) == SIZE
        assert await downloaded(url, await picture_of(up)) == digest
        assert await up.stop() == 0


async def test_a_worker_moves_large_files_in_constant_memory(home: Path, large: tuple[Path, str]) -> None:
    file, digest = large
    async with running(home) as (up, url):
        await curl("-d", "warm", f"{url}/anything/warm")
        before = memory_peak(up.pid("web 1"))
        status, output = await curl("-T", str(file), f"{url}/anything/large")
        assert status == 0
        assert digest.encode() in output
        assert await downloaded(url, await picture_of(up)) == digest
        assert memory_peak(up.pid("web 1")) - before < GROWTH
        assert await up.stop() == 0


async def test_a_download_that_breaks_off_goes_on_where_it_was(home: Path, large: tuple[Path, str]) -> None:
    file, digest = large
    async with running(home) as (up, url):
        await curl("-T", str(file), f"{url}/anything/large")
        address, copy = f"{url}/pictures/{await picture_of(up)}/file", home.parent / "copy"
        first = await asyncio.create_subprocess_exec("curl", "-s", "--limit-rate", "50M", "-o", str(copy), address)
        await eventually(lambda: copy.exists() and copy.stat().st_size > 5 * MIB, seconds=60)
        first.kill()
        await first.wait()
        assert (await curl("-C", "-", "-o", str(copy), address))[0] == 0
        assert hashlib.sha256(copy.read_bytes()).hexdigest() == digest
        assert await up.stop() == 0


async def test_others_are_served_beside_clients_that_trickle_that_never_read_and_that_send_too_much(
    home: Path, large: tuple[Path, str]
) -> None:
    file, _ = large
    async with running(home, HEADWATER_BODY_SECONDS="60") as (up, url):
        await curl("-T", str(file), f"{url}/anything/large")
        picture = await picture_of(up)
        there = urlsplit(url)
        assert there.hostname is not None
        heads = [
            f"GET /pictures/{picture}/file HTTP/1.1\r\nHost: x\r\n\r\n",
            "PUT /anything/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx",
            f"PUT /anything/huge HTTP/1.1\r\nHost: x\r\nContent-Length: {2 << 30}\r\n\r\n",
        ]
        sockets = []
        for head in heads * 5:
            connection = socket.create_connection((there.hostname, there.port))
            connection.sendall(head.encode())
            sockets.append(connection)
        huge = await asyncio.to_thread(sockets[2].recv, 4096)
        assert huge.startswith(b"HTTP/1.1 413")
        for number in range(20):
            status, output = await curl("-T", "-", "-w", "%{http_code}", f"{url}/anything/{number}")
            assert (status, output[-3:]) == (0, b"200")
        for connection in sockets:
            connection.close()
        assert await up.stop() == 0
