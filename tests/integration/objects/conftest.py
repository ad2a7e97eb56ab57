"""Every store that is supported, for one suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.objects import Location, Objects
from tests.integration.objects.bucket import Bucket, answering_206, serving_bucket


@pytest.fixture(scope="session")
def bucket() -> Iterator[Bucket]:
    with serving_bucket() as serving:
        yield serving


@pytest.fixture(scope="session")
def ranged(bucket: Bucket) -> Iterator[Bucket]:
    with answering_206(bucket) as behind:
        yield behind


@pytest.fixture(params=["folder", "bucket", "ranged"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return Objects(Location(url=f"file://{tmp_path}/objects"))
    serving: Bucket = request.getfixturevalue(request.param)
    return Objects(serving.location(url=f"s3://files/{tmp_path.name}"))
