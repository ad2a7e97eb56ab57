"""The facts of a PostgreSQL that `doctor` judges, read over one connection.

Reading and judging are separate, so that each judgement can be tested without a server in that state.
"""

import time
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import asyncpg
import msgspec
from msgspec import Meta

from headwater.engines.identity import UnidentifiedTable, unidentified_of_publication
from headwater.settings import Settings

CONNECT_SECONDS = 5

Record = TypeVar("Record", bound=msgspec.Struct)

Megabytes = Annotated[float, Meta(description="MiB")]
Seconds = Annotated[float, Meta(description="seconds")]


class Role(msgspec.Struct, frozen=True):
    name: str
    superuser: bool
    replication: bool
    can_create: bool  # in the database: schemas and publications
    sees_activity: bool  # of other roles, in pg_stat_activity
    connection_limit: int  # -1: none


class Slot(msgspec.Struct, frozen=True):
    plugin: str | None
    database: str | None
    active: bool
    wal_status: str | None
    cause: str | None  # of the invalidation; PostgreSQL 17 and later
    held: Megabytes | None
    left: Megabytes | None  # before it is lost; None without a limit
    two_phase: bool
    failover: bool  # standbys copy it
    synced: bool  # it is such a copy, or was until this server was promoted
    temporary: bool


class StandbySlot(msgspec.Struct, frozen=True):
    name: str
    active: bool
    cause: str | None  # of the invalidation
    behind: Megabytes | None  # None until a standby has used it


class OldTransaction(msgspec.Struct, frozen=True):
    pid: int
    role: str | None
    application: str
    state: str
    age: Seconds


class OldPrepared(msgspec.Struct, frozen=True):
    gid: str
    database: str
    age: Seconds


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    version: int  # 180006
    settings: dict[str, str]  # as SHOW gives them, in their base unit
    database: str
    encoding: str
    database_connection_limit: int
    in_recovery: bool
    hosted: bool  # a service whose settings are not changed by ALTER SYSTEM but in its console
    role: Role
    slots: int
    senders: int
    slot: Slot | None
    standbys: list[StandbySlot]
    log_begun: bool  # there is a log whose relay used the slot
    publication_exists: bool
    publication_refusal: str | None
    replication_refusal: str | None
    unidentified: list[UnidentifiedTable]
    transactions: list[OldTransaction]
    prepared: list[OldPrepared]
    clock_ahead: Seconds  # of ours
    clock_doubt: Seconds


SETTINGS = (
    "wal_level",
    "max_replication_slots",
    "max_wal_senders",
    "max_slot_wal_keep_size",
    "wal_sender_timeout",
    "idle_replication_slot_timeout",
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "default_transaction_read_only",
    "max_connections",
    "superuser_reserved_connections",
    "reserved_connections",
    "sync_replication_slots",
    "hot_standby_feedback",
    "primary_slot_name",
    "synchronized_standby_slots",
)

READ_SETTINGS = "select name, setting from pg_settings where name = any($1)"

READ_DATABASE = """
select datname::text as database,
       pg_encoding_to_char(encoding)::text as encoding,
       datconnlimit as database_connection_limit,
       pg_is_in_recovery() as in_recovery,
       exists (select from pg_settings where name in ('rds.extensions', 'cloudsql.iam_authentication',
                                                      'azure.extensions')) as hosted,
       (select count(*) from pg_replication_slots)::int as slots,
       (select count(*) from pg_stat_replication)::int as senders,
       exists (select from pg_publication where pubname = $1) as publication_exists,
       exists (select from pg_class join pg_namespace n on n.oid = relnamespace
                where n.nspname = 'headwater' and relname = 'log') as has_log
  from pg_database where datname = current_database()
"""

# rds_replication is how Amazon RDS grants what is otherwise the attribute REPLICATION.
READ_ROLE = """
select rolname::text as name,
       rolsuper as superuser,
       rolsuper or rolreplication or exists (
           select from pg_roles granted
            where granted.rolname = 'rds_replication' and pg_has_role(current_user, granted.oid, 'member')
       ) as replication,
       has_database_privilege(current_database(), 'create') as can_create,
       rolsuper or pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees_activity,
       rolconnlimit as connection_limit
  from pg_roles where rolname = current_user
"""

# What a standby has replayed is the end of its WAL; asking it for an insert position is an error.
READ_SLOT = """
select plugin::text, database::text, active, wal_status,
       invalidation_reason as cause,
       pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
                       restart_lsn)::float8 / 1048576 as held,
       safe_wal_size::float8 / 1048576 as left,
       two_phase, failover, synced, temporary
  from pg_replication_slots where slot_name = $1
"""

READ_STANDBYS = """
select slot_name::text as name, active, invalidation_reason as cause,
       pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
                       restart_lsn)::float8 / 1048576 as behind
  from pg_replication_slots where slot_type = 'physical' and not temporary
 order by 1
"""

READ_LOG_BEGUN = "select exists (select from headwater.log where slot = $1)"

READ_TRANSACTIONS = """
select pid, usename::text as role, application_name as application, state,
       extract(epoch from clock_timestamp() - xact_start)::float8 as age
  from pg_stat_activity
 where backend_type = 'client backend' and pid <> pg_backend_pid()
   and case when state like 'idle in transaction%' then xact_start < clock_timestamp() - make_interval(secs => $1)
            else xact_start < clock_timestamp() - make_interval(secs => $2) end
 order by age desc
"""

READ_PREPARED = """
select gid, database::text, extract(epoch from clock_timestamp() - prepared)::float8 as age
  from pg_prepared_xacts where prepared < clock_timestamp() - make_interval(secs => $1)
 order by age desc
"""


OLDEST_VERSION = 180000


async def read_version(connection: asyncpg.Connection) -> int:
    """`server_version_num`: 180006 for 18.6."""
    return int(await connection.fetchval("show server_version_num"))


async def read_facts(
    connection: asyncpg.Connection, url: str, settings: Settings, *, idle_bound: Seconds, busy_bound: Seconds
) -> Facts:
    """The facts of the server behind `connection`, which must be `OLDEST_VERSION` or later.

    Client transactions that have been idle for longer than `idle_bound`, or active for longer than `busy_bound`, count
    as old. `url` is used to try a replication connection.
    """
    version = await read_version(connection)
    database = dict(await connection.fetchrow(READ_DATABASE, settings.slot))
    has_log = database.pop("has_log")
    role = msgspec.convert(dict(await connection.fetchrow(READ_ROLE)), Role)
    ahead, doubt = await _read_clock(connection)
    return Facts(
        **database,
        version=version,
        settings={row["name"]: row["setting"] for row in await connection.fetch(READ_SETTINGS, SETTINGS)},
        role=role,
        slot=await _read_slot(connection, settings.slot),
        standbys=await _read_all(connection, StandbySlot, READ_STANDBYS),
        log_begun=has_log and await _read_log_begun(connection, settings.slot),
        publication_refusal=None if database["publication_exists"] else await _try_publication(connection),
        replication_refusal=await _try_replication(url) if role.replication else None,
        unidentified=await unidentified_of_publication(connection, settings.slot),
        transactions=await _read_all(connection, OldTransaction, READ_TRANSACTIONS, idle_bound, busy_bound),
        prepared=await _read_all(connection, OldPrepared, READ_PREPARED, idle_bound),
        clock_ahead=ahead,
        clock_doubt=doubt,
    )


async def _read_all(connection: asyncpg.Connection, kind: type[Record], sql: str, *args: object) -> list[Record]:
    return [msgspec.convert(dict(row), kind) for row in await connection.fetch(sql, *args)]


async def _read_slot(connection: asyncpg.Connection, name: str) -> Slot | None:
    found = await _read_all(connection, Slot, READ_SLOT, name)
    return found[0] if found else None


async def _read_log_begun(connection: asyncpg.Connection, slot: str) -> bool:
    try:
        return bool(await connection.fetchval(READ_LOG_BEGUN, slot))
    except asyncpg.InsufficientPrivilegeError:
        return False


async def _try_publication(connection: asyncpg.Connection) -> str | None:
    """Why the role may not create a publication; None if it may. The one created for the test is rolled back."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute("create publication headwater_doctor")
    except asyncpg.PostgresError as error:
        return str(error)
    finally:
        await attempt.rollback()
    return None


async def _try_replication(url: str) -> str | None:
    """Why no replication connection is possible, as through a pooler that does not support it; None if it is."""
    import psycopg  # not needed by the supervisor, which imports this package

    try:
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True, replication="database", connect_timeout=CONNECT_SECONDS
        ) as connection:
            await connection.execute("IDENTIFY_SYSTEM")
    except psycopg.Error as error:
        return " ".join(str(error).split())
    return None


async def _read_clock(connection: asyncpg.Connection) -> tuple[Seconds, Seconds]:
    """How far our clock is ahead of the server's, and the uncertainty: half of the round trip."""
    began, asked = datetime.now(UTC), time.monotonic()
    theirs = await connection.fetchval("select clock_timestamp()")
    doubt = (time.monotonic() - asked) / 2
    return (began - theirs).total_seconds() + doubt, doubt
