"""The album on a database of its own, with its files in a folder or in a bucket."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from headwater import Backend
from headwater.settings import Settings
from headwater.testing.databases import Databases
from headwater.testing.running import RunningBackend, run_backend
from tests.integration.files.album import backend as album_backend
from tests.integration.objects.bucket import Bucket, serving_bucket


@pytest.fixture(scope="session")
def bucket() -> Iterator[Bucket]:
    with serving_bucket() as serving:
        yield serving


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """The settings of one store; a test that needs one only is parametrized with it."""
    base = Settings(home=tmp_path, partitions=4, log_level="warning")
    if request.param == "folder":
        return base
    serving: Bucket = request.getfixturevalue("bucket")
    ours = serving.settings(objects_url=f"s3://files/{tmp_path.name}")
    names = ("objects_url", "objects_endpoint", "objects_region", "objects_access_key", "objects_secret_key")
    return msgspec.structs.replace(base, **{name: getattr(ours, name) for name in names})


@pytest.fixture
def album_settings(store: Settings) -> Settings:
    return store


@pytest.fixture
def album_of() -> Backend:
    return album_backend


@pytest.fixture
def album(
    headwater_runner: asyncio.Runner, headwater_databases: Databases, album_settings: Settings, album_of: Backend
) -> Iterator[RunningBackend]:
    running = run_backend(album_of, headwater_databases, album_settings)

    async def enter() -> RunningBackend:
        return await running.__aenter__()

    async def leave() -> None:
        await running.__aexit__(None, None, None)

    opened = headwater_runner.run(enter())
    try:
        yield opened
    finally:
        headwater_runner.run(leave())
