"""Every store that is supported, for one suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.objects import Objects, Place
from tests.integration.objects.bucket import Bucket, serving_bucket


@pytest.fixture(scope="session")
def bucket() -> Iterator[Bucket]:
    with serving_bucket() as serving:
        yield serving


@pytest.fixture(params=["folder", "bucket"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return Objects(Place(url=f"file://{tmp_path}/objects"))
    serving: Bucket = request.getfixturevalue("bucket")
    return Objects(serving.place(url=f"s3://files/{tmp_path.name}"))
