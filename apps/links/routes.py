"""HTTP: requests and responses."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from apps.links import links, store
from apps.links.app import app
from apps.links.rows import BlockedHost, Link, LinkChange, LinkFollowed, NewLink, Statistics
from headwater import (
    Db,
    Emitter,
    Limit,
    Limiter,
    Listing,
    Meta,
    Page,
    Pages,
    Principal,
    Problem,
    Request,
    Response,
    Tx,
)

Code = Annotated[
    str, Meta(min_length=3, max_length=40, pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$", examples=["spring-sale"])
]

WAYS = {
    301: "The permanent target of the link: browsers may cache it for an hour.",
    302: "The present target of the link.",
    410: "The link has expired, or was deleted.",
}

LINKS = Pages(
    Link,
    key="code",
    tenant="owner",
    sort=("made_at",),
    default="-made_at",
    filters={"status": ("eq",), "blocked": ("eq",)},
)


MONTH = timedelta(days=29)
MAKING = Limit("making", 600, per=3600, burst=200)
GUESSING = Limit("guessing", 60, per=60)
"""For requests of links that do not exist; following existing ones is never limited."""


@app.command("POST /links", status=201, location="/links/{code}", limits=[MAKING])
async def make_link(tx: Tx, new: NewLink, principal: Principal | None, request: Request) -> Link:
    """Shorten a URL, with a name that you choose or a random one. Without authentication the link has no owner."""
    return await links.make_link(tx, new, principal, request.headers.get("host", ""))


@app.query("GET /links")
async def list_links(db: Db, page: Annotated[Page, LINKS]) -> Listing[Link]:
    """Your links, the newest first."""
    return await page.read(db, where="deleted_at is null")


@app.query("GET /links/{code}", etag="revision")
async def show_link(db: Db, principal: Principal, code: Code) -> Link:
    """One of your links."""
    link = await store.link(db, code)
    links.require_owner(link, principal)
    return link


@app.command("PATCH /links/{code}", etag="revision", current=links.lock_owned)
async def change_link(tx: Tx, principal: Principal, code: Code, change: LinkChange, request: Request) -> Link:
    """Change the target, the status or the expiry. Omitted members stay as they are."""
    link = await links.lock_owned(tx, principal, code)
    return await links.change_link(tx, link, change, request.headers.get("host", ""))


@app.command("DELETE /links/{code}", etag="revision", current=links.lock_owned)
async def delete_link(tx: Tx, principal: Principal, code: Code) -> None:
    """Delete a link. Following it gives 410 from now on, and its name is never used again."""
    link = await links.lock_owned(tx, principal, code)
    await store.delete_link(tx, link.code)


@app.query("GET /links/{code}/statistics")
async def show_statistics(
    db: Db, principal: Principal, code: Code, since: date | None = None, until: date | None = None
) -> Statistics:
    """How often one of your links was followed: in total, and per day (UTC), by default in the last thirty days."""
    until = until or datetime.now(UTC).date()
    since = since or max(until, date.min + MONTH) - MONTH
    if since > until:
        raise Problem(422, errors=[{"detail": "Expected a day before `until`", "parameter": "since", "in": "query"}])
    async with db.snapshot() as moment:
        links.require_owner(await store.link(moment, code), principal)
        return Statistics(
            code=code, total=await store.total(moment, code), days=await store.days(moment, code, since, until)
        )


@app.query("GET /blocked-hosts")
async def list_blocked_hosts(db: Db) -> list[BlockedHost]:
    """Hosts that no link may lead to; the hosts below them are blocked, too."""
    return await store.blocked_hosts(db)


@app.query("GET /{code}", answers=WAYS)
async def follow(db: Db, emitter: Emitter, limiter: Limiter, code: Code, request: Request) -> Response:
    """Follow a link: 301 or 302, as it declares; 410 once it has expired. Visits are counted shortly after."""
    lead = await store.lead(db, code)
    if lead is None:
        await limiter.take(GUESSING, request.client or "")
    way = links.require_way(lead)
    if request.method == "GET":  # a HEAD request is not a visit
        emitter.emit_nowait(LinkFollowed(code=code, at=datetime.now(UTC)))
    return Response(status=way.status, headers={"Location": way.target, "Cache-Control": links.keeping(way)})
