"""Which store the settings name."""

from pathlib import Path

import pytest

from headwater.objects import LocationInvalid, location_of
from headwater.settings import Settings


def test_by_default_objects_are_in_the_home() -> None:
    location = location_of(Settings(home=Path("/srv/app")))
    assert (location.url, location.folder) == ("file:///srv/app/objects", Path("/srv/app/objects"))


def test_a_bucket_is_not_a_folder() -> None:
    location = location_of(Settings(objects_url="s3://bucket/folder/", objects_secret_key="secret"))
    assert (location.url, location.folder) == ("s3://bucket/folder", None)


def test_a_location_is_shown_without_its_secrets() -> None:
    location = location_of(Settings(objects_url="s3://bucket", objects_access_key="who", objects_secret_key="secret"))
    assert "secret" not in f"{location} {location!r}"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://host/x", "its scheme must be one of file, s3"),
        ("bucket", "its scheme must be one of"),
        ("s3:///folder", "it names no bucket"),
        ("file:relative", "the folder must be absolute"),
        ("file://host/folder", "the folder must be absolute"),
    ],
)
def test_what_names_no_store_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(LocationInvalid, match=reason):
        location_of(Settings(objects_url=url))


def test_credentials_in_the_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(LocationInvalid, match="it contains credentials") as raised:
        location_of(Settings(objects_url="s3://key:secret@bucket"))
    assert "secret" not in str(raised.value)
