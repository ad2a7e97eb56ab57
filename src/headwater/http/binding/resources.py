"""Resources: what the handlers of a backend can ask for by type, beside what the request itself holds."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from headwater.clock import Clock, SystemClock
from headwater.commit import Committer, GroupCommit
from headwater.db import Db
from headwater.http.identity.identity import Identity
from headwater.http.keyring import Keyring
from headwater.http.limit.declaration import Limit
from headwater.http.limit.limiter import Limiter
from headwater.http.limit.memory import MemoryStore
from headwater.http.load.load import Load
from headwater.http.load.queue import Line
from headwater.http.load.refusal import Reason
from headwater.http.message.request import Request
from headwater.objects.staging import Staging


class Provider(msgspec.Struct, frozen=True):
    """Provides the parameter of a type.

    `provide` receives the request and returns the value, or a coroutine for it; it may raise a `Problem`, whose
    statuses beyond the usual ones are named in `statuses` for the documentation. Providers run in the order of the
    handler's parameters, before the body is read and before a command's transaction begins; also when the answer
    turns out to be a replay.
    """

    provide: Callable[[Request], Any | Awaitable[Any]]
    statuses: tuple[int, ...] = ()


class Resources(msgspec.Struct, frozen=True):
    """`db` fills parameters of type Db, `committer` runs commands, `providers` fill whatever types they are under.

    `staging` takes in uploads, and has the object storage that downloads come from.
    `keyring` signs; by default with the secret that the database keeps. `compresses`: whether
    answers are compressed at all. `identity` says who asks, None if nothing does.
    `origins` are those that CORS allows. `limits` are those of every route that has none of its own, and `limiter` is
    what charges them. `group` commits what queries emit. `load` is what endpoints share about how much is worked on at
    once; `lines` are those in which requests wait for connections.
    """

    db: Db
    committer: Committer
    providers: Mapping[type, Provider] = {}
    staging: Staging | None = None
    keyring: Keyring | None = None
    clock: Clock = SystemClock()
    compresses: bool = True
    identity: Identity | None = None
    origins: tuple[str, ...] = ()
    limiter: Limiter = msgspec.field(default_factory=lambda: Limiter(MemoryStore()))
    limits: Sequence[Limit] = ()
    group: GroupCommit | None = None
    load: Load = msgspec.field(default_factory=Load)
    lines: Mapping[Reason, Line] = {}
