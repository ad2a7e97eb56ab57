"""A disk that is full: commands fail clearly, nothing that was answered is lost, and room is all it takes to go on."""

import asyncio
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.testing import eventually
from tests.integration.supervisor.harness import SECONDS, Up, get, order_something, post

_DISK_MB = 192


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """A state folder on a disk of its own; only root may mount one."""
    home.mkdir()
    size = f"size={_DISK_MB}m,mode=755"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", home], capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield home
    subprocess.run(["umount", "--lazy", home], check=True)


async def test_a_full_disk_refuses_commands_loses_none_and_is_left_without_a_restart(small_disk: Path) -> None:
    async with Up.start(small_disk) as up:
        url = await up.ready()
        _, page = await asyncio.to_thread(get, f"{url}/products?limit=1")
        product = page["items"][0]["id"]
        ballast = small_disk / "ballast"
        fill(ballast)
        placed, refused = await asyncio.to_thread(order_until_refused, url, product)
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        ballast.unlink()
        await until_answered(url)
        for order in placed:
            assert (await asyncio.to_thread(get, f"{url}/orders/{order}"))[0] == 200
        assert (await order_something(url, "with room again"))["state"] in ("reserved", "rejected")
        assert await up.stop() == 0


def fill(ballast: Path) -> None:
    """Leave nothing but the crumbs."""
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                continue


def order_until_refused(url: str, product: str) -> tuple[list[str], urllib.error.HTTPError]:
    """Order on and on; the orders that were answered with 201, and the first answer that was not."""
    placed: list[str] = []
    while True:
        try:
            _, order = post(f"{url}/orders", {"product": product, "quantity": 1}, f"crowd {len(placed)}")
        except urllib.error.HTTPError as refused:
            refused.read()
            return placed, refused
        placed.append(order["id"])


async def until_answered(url: str) -> None:
    def look() -> object:
        try:
            return json.loads(read(f"{url}/readyz"))["status"]
        except (OSError, ValueError) as error:
            return error

    await eventually(lambda: asyncio.to_thread(look), lambda found: found == "ready", seconds=SECONDS, every=0.1)


def read(url: str) -> bytes:
    return bytes(urllib.request.urlopen(url, timeout=SECONDS).read())
