"""Where the objects are: a folder of this machine, or the bucket that a URL names."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from headwater.objects.errors import LocationInvalid
from headwater.settings import Settings

SCHEMES: Final = ("file", "s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "memory")


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """`url` has no secrets and may be shown. What is None is read from the store's own environment (``AWS_…``)."""

    url: str
    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = None

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return f"Location({self.url!r})"

    @property
    def folder(self) -> Path | None:
        """The folder, if the objects are on this machine."""
        parts = urlsplit(self.url)
        return Path(parts.path) if parts.scheme == "file" else None


def location_of(settings: Settings) -> Location:
    """The location that the settings name, by default the folder ``objects`` in the home; raises `LocationInvalid`."""
    if settings.objects_url is None:
        return Location(url=f"file://{(settings.home / 'objects').absolute()}")
    return Location(
        url=_checked(settings.objects_url),
        endpoint=settings.objects_endpoint,
        region=settings.objects_region,
        access_key=settings.objects_access_key,
        secret_key=settings.objects_secret_key,
    )


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise LocationInvalid(url=url, reason=f"its scheme must be one of {', '.join(SCHEMES)}")
    if parts.username or parts.password:
        raise LocationInvalid(
            url=parts._replace(netloc=f"…@{parts.hostname}").geturl(), reason="it contains credentials"
        )
    if parts.scheme == "file":
        if not parts.path.startswith("/") or parts.netloc:
            raise LocationInvalid(url=url, reason="the folder must be absolute, as in file:///srv/objects")
    elif parts.scheme != "memory" and not parts.netloc:
        raise LocationInvalid(url=url, reason="it names no bucket")
    return url.rstrip("/")
