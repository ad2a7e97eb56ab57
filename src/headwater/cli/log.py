"""The log, by hand: read it, see its status, and handle the keys that consumers have parked."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter, validators

from headwater.cli.options import AppOption
from headwater.cli.output import CONSUMER_COLUMNS, print_json, print_table, size_text
from headwater.errors import HeadwaterError
from headwater.settings import Settings, read_settings

if TYPE_CHECKING:
    from headwater.db import Pool
    from headwater.log import Entry, Position


UNDEFINED: Final = {"42P01", "42703", "42883", "3F000"}
"""SQLSTATE of a table, a column, a function or a schema that the database does not have."""


class BadPosition(HeadwaterError):
    """{reason}."""


class ConsumerInUse(HeadwaterError):
    """The backend still has the consumer {consumer!r}. If you forget it, it starts over at the next start and applies
    everything in the log a second time. Pass --force if you want that."""


class DatabaseOutdated(HeadwaterError):
    """The database does not fit this release: {reason}. Run `headwater migrate`."""


class NotSetAside(HeadwaterError):
    """{consumer} has not set aside the key {key!r}."""


def tail(
    *,
    start: Annotated[str | None, Parameter(name="--from")] = None,
    key: str | None = None,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"])] = False,
) -> None:
    """Print the entries of the log in commit order, one JSON object per line.

    Parameters
    ----------
    start
        Start after this position. By default: at the oldest entry kept or, with --follow, at the next new one.
    key
        Only the entries of this key.
    follow
        Keep printing new entries until Ctrl-C.
    """
    asyncio.run(_tail(_position(start), key, follow))


def status(*, json: bool = False) -> None:
    """Show the log's position and size, the WAL that PostgreSQL keeps for the relay, and each consumer's lag.

    Parameters
    ----------
    json
        Print one JSON object instead of tables.
    """
    asyncio.run(_status(json))


def parked(consumer: str | None = None, *, json: bool = False) -> None:
    """List the keys that are set aside: parked ones wait for a person, the others are retried.

    Parameters
    ----------
    consumer
        List only the keys of this consumer.
    json
        Print one JSON object per line instead of a table.
    """
    asyncio.run(_parked(consumer, json))


def retry(consumer: str, key: str) -> None:
    """Retry a key now, with its retries reset: first the event that failed, then those queued behind it.

    Parameters
    ----------
    consumer
        As listed by `headwater log parked`.
    key
        As listed by `headwater log parked`.
    """
    asyncio.run(_retry(consumer, key))


def drop(consumer: str, key: str, *, all: bool = False) -> None:
    """Drop the event at which a key failed, for good, and continue with those queued behind it.

    Parameters
    ----------
    consumer
        As listed by `headwater log parked`.
    key
        As listed by `headwater log parked`.
    all
        Drop the queued events too; the key continues with what is committed from now on.
    """
    asyncio.run(_drop(consumer, key, all))


def repartition(
    partitions: Annotated[int, Parameter(show_default=False, validator=validators.Number(gte=1, lte=1024))],
) -> None:
    """Change the number of partitions of the log from here on. Running processes adapt by themselves.

    Parameters
    ----------
    partitions
        The new number, from 1 to 1024.
    """
    asyncio.run(_repartition(partitions))


def replay(
    consumer: str,
    *,
    as_name: Annotated[str, Parameter(name="--as")],
    start: Annotated[str | None, Parameter(name="--from")] = None,
) -> None:
    """Run the handler of a consumer over the log again, as a new consumer with its own watermarks.

    Parameters
    ----------
    consumer
        The consumer whose handler runs.
    as_name
        The new consumer's name.
    start
        Start after this position; by default at the oldest entry kept.
    """
    asyncio.run(_replay(consumer, as_name, _position(start)))


def forget(consumer: str, *, app: AppOption = None, force: bool = False) -> None:
    """Remove a consumer with its watermarks and the keys that it has set aside; the log is no longer kept for it.

    Parameters
    ----------
    consumer
        A consumer that is no longer in the code.
    app
        The backend, as module:name.
    force
        Remove a consumer that the backend still has. It starts over at the next start: everything in the log is applied
        a second time.
    """
    from headwater.supervisor.locate import find_reference, load_backend

    if not force and consumer in {each.name for each in load_backend(find_reference(app)).subscriptions}:
        raise ConsumerInUse(consumer=consumer)
    asyncio.run(_forget(consumer))


def reconcile(*, open_epoch: bool = False) -> None:
    """After a gap in the log: show the rows that may have changed in the gap.

    Parameters
    ----------
    open_epoch
        Open a new epoch, in which the log continues from now. What was committed in the gap is never in the log.
    """
    asyncio.run(_reconcile(open_epoch))


async def _tail(start: "Position | None", key: str | None, follow: bool) -> None:
    from headwater import log

    settings = read_settings()
    async with _pool(settings) as pool, pool.acquire() as connection:
        after = start
        if after is None:
            after = (await log.read_head(connection, settings.slot)).position if follow else log.START
        if follow:
            entries = log.follow(connection, _url(settings), slot=settings.slot, after=after, key=key)
        else:
            entries = log.read(connection, slot=settings.slot, after=after, key=key)
        async for entry in entries:
            print_json(_shown(entry))


async def _status(json: bool) -> None:
    from headwater.consumer import lag
    from headwater.log import format_lsn, read_status
    from headwater.wal import read_slot

    settings = read_settings()
    async with _pool(settings) as pool:
        async with pool.acquire() as connection:
            status = await read_status(connection, settings.slot)
            slot = await read_slot(connection, settings.slot)
        lags = await lag(pool)
    if json:
        print_json({"log": status, "slot": slot, "consumers": lags})
        return
    head, held = status.head, slot.held_bytes if slot else None
    rows: list[tuple[str, Any]] = [
        ("position", head.position),
        ("partitions", f"{head.partitions} (layout {head.generation})"),
        ("relay", f"{size_text(status.behind_bytes)} of WAL behind, at {format_lsn(head.scanned)}, term {head.term}"),
        ("slot", "GONE: see `headwater log reconcile`" if slot is None else f"{settings.slot}, {slot.wal_status}"),
        ("WAL held", f"{size_text(held or 0)} of {settings.wal_budget_mb} MiB allowed"),
        ("log", f"{size_text(status.bytes)} in {len(status.segments)} segments"),
    ]
    print_table(("", ""), rows)
    if lags:
        print_table(
            CONSUMER_COLUMNS,
            [(each.consumer, each.entries, round(each.seconds, 1), each.in_retry, each.parked) for each in lags],
        )


async def _parked(consumer: str | None, json: bool) -> None:
    from headwater.consumer import in_retry, parked

    wanted = None if consumer is None else [consumer]
    async with _pool(read_settings()) as pool:
        aside = [*await parked(pool, wanted), *await in_retry(pool, wanted)]
    if json:
        for each in aside:
            print_json(each)
    elif not aside:
        print("No key is set aside.")
    else:
        rows = [
            (each.consumer, each.key, _fate(each), each.position, each.behind, each.attempts, each.cause.strip())
            for each in aside
        ]
        print_table(("consumer", "key", "", "failed at", "queued", "attempts", "cause"), rows)


async def _retry(consumer: str, key: str) -> None:
    from headwater.consumer import retry_now

    async with _pool(read_settings()) as pool:
        if not await retry_now(pool, consumer, key):
            raise NotSetAside(consumer=consumer, key=key)
    print(f"{consumer} retries the key {key!r} now.")


async def _drop(consumer: str, key: str, all: bool) -> None:
    from headwater.consumer import drop, in_retry, parked

    async with _pool(read_settings()) as pool:
        aside = [*await parked(pool, [consumer]), *await in_retry(pool, [consumer])]
        failed = [each.position for each in aside if each.key == key]
        if not failed:
            raise NotSetAside(consumer=consumer, key=key)
        dropped = await drop(pool, consumer, key, None if all else failed[0])
    print(f"{dropped} of the key's events dropped.")


async def _repartition(partitions: int) -> None:
    from headwater.consumer import repartition

    async with _pool(read_settings()) as pool:
        generation = await repartition(pool, partitions)
    print(f"The log has {partitions} partitions from here on (layout {generation}).")


async def _replay(consumer: str, as_name: str, start: "Position | None") -> None:
    from headwater.consumer import replay
    from headwater.log import START

    async with _pool(read_settings()) as pool:
        await replay(pool, consumer, as_name, start or START)
    print(f"{as_name} runs the handler of {consumer} from {start or 'the oldest entry'} on.")


async def _forget(consumer: str) -> None:
    from headwater.consumer import forget

    async with _pool(read_settings()) as pool:
        await forget(pool, consumer)
    print(f"{consumer} is removed.")


async def _reconcile(open_now: bool) -> None:
    from headwater.wal import open_epoch, reconcile

    async with _postgres_for_now(read_settings()) as settings:
        async with _pool(settings) as pool, pool.acquire() as connection:
            found = await reconcile(connection, settings.slot)
        print(f"The log ends at {found.head.position}. Rows written since then, or by its last transaction:")
        if not found.tables:
            print("  none. (Deleted rows cannot be seen.)")
        for table in found.tables:
            print(f"  {table.table}: {table.rows} rows, such as {'; '.join(map(_key_text, table.sample[:3]))}")
        if open_now:
            position = await open_epoch(_url(settings), settings)
            print(f"A new epoch is open. The log continues at {position}.")
        else:
            print("To continue from now in a new epoch: `headwater log reconcile --open-epoch`.")


@asynccontextmanager
async def _postgres_for_now(settings: Settings) -> AsyncIterator[Settings]:
    """The settings with the URL of PostgreSQL. If none runs, the embedded one is started for the duration: after a gap
    the backend does not start, so it cannot be relied on here."""
    from msgspec.structs import replace

    from headwater.engines import EngineNotRunning, open_engines

    engine = None
    try:
        url = _url(settings)
    except EngineNotRunning:
        if not (settings.home / "postgres" / "data").exists():
            raise
        engine = open_engines(settings).postgres
        await engine.start()
        url = engine.url
    try:
        yield replace(settings, postgres_url=url)
    finally:
        if engine is not None:
            await engine.stop()


@asynccontextmanager
async def _pool(settings: Settings) -> "AsyncIterator[Pool]":
    from headwater.db import Pool, QueryFailed

    pool = await Pool.open(_url(settings), size=2, application_name="headwater log", statement_timeout=0)
    try:
        yield pool
    except QueryFailed as error:
        if error.sqlstate not in UNDEFINED:
            raise
        raise DatabaseOutdated(reason=error.message) from error
    finally:
        await pool.close()


def _url(settings: Settings) -> str:
    from headwater.engines import postgres_url

    return postgres_url(settings)


def _position(text: str | None) -> "Position | None":
    from headwater.log import Position

    try:
        return None if text is None else Position.parse(text)
    except ValueError as error:
        raise BadPosition(reason=error) from None


def _shown(entry: "Entry") -> dict[str, Any]:
    import msgspec

    from headwater.log import CHANGE, EVENT

    kind = {EVENT: "event", CHANGE: "change"}.get(entry.kind, "malformed")
    if kind == "malformed":
        return {"position": str(entry.position), "kind": kind, "body": base64.b64encode(entry.body).decode()}
    return {"position": str(entry.position), "kind": kind, **msgspec.json.decode(entry.body)}


def _key_text(key: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in key.items())


def _fate(aside: Any) -> str:
    return "parked" if aside.is_parked else f"retried at {aside.next_attempt_at:%H:%M:%S}"
