"""Headwater: commit once; everything downstream follows.

The names that apps use. Each is imported when it is first used, so `import headwater` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msgspec import Meta as Meta

    from headwater.app import App as App
    from headwater.backend import Backend as Backend
    from headwater.backoff import Backoff as Backoff
    from headwater.clock import now as now
    from headwater.clock import uuid7 as uuid7
    from headwater.commit import Emitter as Emitter
    from headwater.commit import Tx as Tx
    from headwater.consumer import Delivery as Delivery
    from headwater.db import CheckFailed as CheckFailed
    from headwater.db import Conflict as Conflict
    from headwater.db import Db as Db
    from headwater.db import NoRow as NoRow
    from headwater.db import ReferenceMissing as ReferenceMissing
    from headwater.errors import HeadwaterError as HeadwaterError
    from headwater.http import ApiKey as ApiKey
    from headwater.http import Bearer as Bearer
    from headwater.http import Body as Body
    from headwater.http import Cookie as Cookie
    from headwater.http import Download as Download
    from headwater.http import Header as Header
    from headwater.http import Limit as Limit
    from headwater.http import Limiter as Limiter
    from headwater.http import Listing as Listing
    from headwater.http import Page as Page
    from headwater.http import Pages as Pages
    from headwater.http import Principal as Principal
    from headwater.http import Problem as Problem
    from headwater.http import Query as Query
    from headwater.http import Request as Request
    from headwater.http import Response as Response
    from headwater.http import Upload as Upload
    from headwater.http import digest_secret as digest_secret
    from headwater.http.version import Deprecated as Deprecated
    from headwater.http.version import Versions as Versions
    from headwater.ids import Snowflake as Snowflake
    from headwater.ids import Snowflakes as Snowflakes
    from headwater.ids import SnowflakeText as SnowflakeText
    from headwater.objects import Objects as Objects
    from headwater.types import Changed as Changed
    from headwater.types import Event as Event
    from headwater.types import Row as Row

_HOMES = {
    "ApiKey": "headwater.http",
    "App": "headwater.app",
    "Backend": "headwater.backend",
    "Backoff": "headwater.backoff",
    "Bearer": "headwater.http",
    "Body": "headwater.http",
    "Changed": "headwater.types",
    "CheckFailed": "headwater.db",
    "Conflict": "headwater.db",
    "Cookie": "headwater.http",
    "Db": "headwater.db",
    "Delivery": "headwater.consumer",
    "Deprecated": "headwater.http.version",
    "Download": "headwater.http",
    "Emitter": "headwater.commit",
    "Event": "headwater.types",
    "Header": "headwater.http",
    "HeadwaterError": "headwater.errors",
    "Limit": "headwater.http",
    "Limiter": "headwater.http",
    "Listing": "headwater.http",
    "Meta": "msgspec",
    "NoRow": "headwater.db",
    "Objects": "headwater.objects",
    "Page": "headwater.http",
    "Pages": "headwater.http",
    "Principal": "headwater.http",
    "Problem": "headwater.http",
    "Query": "headwater.http",
    "ReferenceMissing": "headwater.db",
    "Request": "headwater.http",
    "Response": "headwater.http",
    "Row": "headwater.types",
    "Snowflake": "headwater.ids",
    "SnowflakeText": "headwater.ids",
    "Snowflakes": "headwater.ids",
    "Tx": "headwater.commit",
    "Versions": "headwater.http.version",
    "Upload": "headwater.http",
    "digest_secret": "headwater.http",
    "now": "headwater.clock",
    "uuid7": "headwater.clock",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'headwater' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
