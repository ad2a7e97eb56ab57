"""SQL, and nothing else: each function is one statement."""

from collections.abc import Sequence
from datetime import date

from apps.links.rows import BlockedHost, Day, Lead, Link, LinkFollowed, NewLink
from apps.links.target import Target
from headwater import Db, Tx

LINK = "code, target, status, expires_at, blocked, owner, revision, made_at, changed_at"
IS_BLOCKED = "exists (select from links.blocked_host as b where {host} = b.host or {host} like '%.' || b.host)"


async def add_link(tx: Tx, code: str, target: Target, new: NewLink, owner: str | None) -> Link | None:
    """The new link, or None if the code is taken."""
    return await tx.maybe(
        Link,
        f"insert into links.link (code, target, host, status, expires_at, owner, blocked)"
        f" values ($1, $2, $3, $4, $5, $6, {IS_BLOCKED.format(host='$3')})"
        f" on conflict (code) do nothing returning {LINK}",
        code,
        target.url,
        target.host,
        new.status,
        new.expires_at,
        owner,
    )


async def lead(db: Db | Tx, code: str) -> Lead | None:
    """What the redirect needs; the database's clock decides whether the link has expired."""
    return await db.maybe(
        Lead,
        "select target, status, blocked,"
        " deleted_at is not null or coalesce(expires_at <= now(), false) as gone,"
        " floor(extract(epoch from expires_at - now()))::bigint as seconds"
        " from links.link where code = $1",
        code,
    )


async def link(db: Db | Tx, code: str) -> Link:
    return await db.one(Link, f"select {LINK} from links.link where code = $1 and deleted_at is null", code)


async def locked_link(tx: Tx, code: str) -> Link:
    """The link, locked until the end of the transaction."""
    return await tx.one(Link, f"select {LINK} from links.link where code = $1 and deleted_at is null for update", code)


async def change_link(tx: Tx, link: Link, target: Target) -> Link:
    """Store the fields of `link` with this target, and increment the revision."""
    return await tx.one(
        Link,
        f"update links.link set target = $2, host = $3, status = $4, expires_at = $5, revision = revision + 1,"
        f" changed_at = now(), blocked = {IS_BLOCKED.format(host='$3')} where code = $1 returning {LINK}",
        link.code,
        target.url,
        target.host,
        link.status,
        link.expires_at,
    )


async def delete_link(tx: Tx, code: str) -> None:
    """Following it gives 410 from now on; the row stays, because a code is never used again."""
    await tx.run("update links.link set deleted_at = now() where code = $1", code)


async def is_blocked(db: Db | Tx, host: str) -> bool:
    return await db.one(bool, f"select {IS_BLOCKED.format(host='$1')}", host)


async def blocked_hosts(db: Db) -> list[BlockedHost]:
    return await db.all(BlockedHost, "select host, reason, blocked_at from links.blocked_host order by host")


async def mark_blocked(tx: Tx, host: str | None) -> None:
    """Update whether the links to a host, or to a host below it, are blocked; with None, those to every host."""
    await tx.run(
        f"update links.link set blocked = not blocked"
        f" where ($1::text is null or host = $1 or reverse(host) like reverse($1) || '.%')"
        f" and blocked is distinct from {IS_BLOCKED.format(host='link.host')}",
        host,
    )


async def disown(tx: Tx, owner: str) -> None:
    """Remove the owner from their links, which keep working."""
    await tx.run("update links.link set owner = null where owner = $1", owner)


async def add_clicks(tx: Tx, followed: Sequence[LinkFollowed]) -> None:
    """One statement for all of them, in the order of the codes, so that two batches cannot deadlock."""
    await tx.run(
        "insert into links.clicks (code, day, count)"
        " select code, day, count(*) from unnest($1::text[], $2::date[]) as followed (code, day)"
        " group by code, day order by code, day"
        " on conflict (code, day) do update set count = clicks.count + excluded.count",
        [each.code for each in followed],
        [each.at.date() for each in followed],
    )


async def total(db: Db, code: str) -> int:
    return await db.one(int, "select coalesce(sum(count), 0)::bigint from links.clicks where code = $1", code)


async def days(db: Db, code: str, since: date, until: date) -> list[Day]:
    return await db.all(
        Day,
        "select day, count from links.clicks where code = $1 and day between $2 and $3 order by day",
        code,
        since,
        until,
    )
