"""The rules: what becomes a link, who may change it, and the outcome of following one."""

from datetime import UTC, datetime
from typing import Final

from msgspec import UNSET

from apps.links import store
from apps.links.code import draw_code, require_free_word
from apps.links.rows import Lead, Link, LinkAimed, LinkChange, NewLink
from apps.links.target import Target, TargetRefused, host_of, read_target
from headwater import Principal, Problem, Tx

REMEMBERED_SECONDS: Final = 3600
"""How long a browser may cache a permanent link. Meanwhile its visits are not counted and it sees no changes."""

ATTEMPTS: Final = 10

FIRST_EXPIRY: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Earlier times are mistakes, down to Python's earliest, which is minus infinity in PostgreSQL."""


async def make_link(tx: Tx, new: NewLink, principal: Principal | None, authority: str) -> Link:
    """A link with its alias, or with a new random code; `authority` is the Host by which this service was reached.

    Raises a `Problem`: 422 for an invalid target, alias or expiry, 409 for an alias that is taken.
    """
    _require_expiry(new.expires_at)
    target = await _allowed(tx, new.target, authority)
    owner = principal.id if principal is not None else None
    if new.alias is not None:
        require_free_word(new.alias)
        link = await store.add_link(tx, new.alias, target, new, owner)
        if link is None:
            raise Problem(409, detail=f"There is a link called {new.alias!r} already.")
    else:
        link = await _add_drawn(tx, target, new, owner)
    tx.emit(LinkAimed(code=link.code, host=target.host))
    return link


async def lock_owned(tx: Tx, principal: Principal, code: str) -> Link:
    """The link to change, locked; a link of another owner is not found."""
    link = await store.locked_link(tx, code)
    require_owner(link, principal)
    return link


async def change_link(tx: Tx, link: Link, change: LinkChange, authority: str) -> Link:
    """The changed link; raises a `Problem` 422 for an invalid target or expiry."""
    target = await _allowed(tx, link.target if change.target is UNSET else change.target, authority)
    if change.status is not UNSET:
        link.status = change.status
    if change.expires_at is not UNSET:
        _require_expiry(change.expires_at)
        link.expires_at = change.expires_at
    changed = await store.change_link(tx, link, target)
    tx.emit(LinkAimed(code=link.code, host=target.host))
    return changed


def require_owner(link: Link, principal: Principal) -> None:
    """Raise a `Problem` 404 for everybody but the owner, as if there were no such link."""
    if link.owner != principal.id:
        raise Problem(404, detail="There is no such resource.")


def require_way(lead: Lead | None) -> Lead:
    """Raise a `Problem` for a link that leads nowhere: 404 if it never existed, 410 if it has ended."""
    if lead is None:
        raise Problem(404, detail="There is no such link.")
    if lead.gone:
        raise Problem(410, detail="This link has expired or was deleted.")
    if lead.blocked:
        raise Problem(410, detail="This link is blocked: its target was reported as harmful.")
    return lead


def keeping(lead: Lead) -> str:
    """The Cache-Control of a redirect: a link that counts every visit or is about to expire is not cached."""
    if lead.status == 302:
        return "private, no-store"
    seconds = REMEMBERED_SECONDS if lead.seconds is None else min(REMEMBERED_SECONDS, lead.seconds)
    return f"private, max-age={seconds}"


async def _add_drawn(tx: Tx, target: Target, new: NewLink, owner: str | None) -> Link:
    for _ in range(ATTEMPTS):
        link = await store.add_link(tx, draw_code(), target, new, owner)
        if link is not None:
            return link
    raise AssertionError(f"{ATTEMPTS} random codes were all taken")


async def _allowed(tx: Tx, url: str, authority: str) -> Target:
    try:
        target = read_target(url, own=frozenset({host_of(authority)}))
    except TargetRefused as refused:
        raise _refusal(str(refused)) from None
    if await store.is_blocked(tx, target.host):
        raise _refusal("This host is blocked: it was reported as harmful.")
    return target


def _require_expiry(moment: datetime | None) -> None:
    if moment is not None and moment < FIRST_EXPIRY:
        raise Problem(422, errors=[{"detail": "Expected a time from 1970 on.", "pointer": "#/expires_at"}])


def _refusal(detail: str) -> Problem:
    return Problem(422, errors=[{"detail": detail, "pointer": "#/target"}])
