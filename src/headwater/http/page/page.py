"""Page: reads one page of a list for a handler."""

import asyncio
from collections.abc import Sequence
from enum import Enum
from hashlib import sha256
from typing import Any, Final

import msgspec

from headwater.clock import Clock
from headwater.db.session import Reads
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.page.asked import Asked
from headwater.http.page.cursor import PURPOSE, Bounds, CursorPosition, read_cursor, write_cursor
from headwater.http.page.links import link_header
from headwater.http.page.listing import Listing
from headwater.http.page.order import turn
from headwater.http.page.plan import PagePlan
from headwater.http.page.select import Select
from headwater.http.types.inputerror import Invalid
from headwater.keyring import Keyring, Keys

COUNT_SECONDS: Final = 5.0
"""Timeout of an exact count."""

_DIGEST_BYTES: Final = 12
_ENCODE: Final = msgspec.msgpack.Encoder(enc_hook=str).encode


class Page:
    """``page: Annotated[Page, PEOPLE]`` receives what the request asks of the list that `PEOPLE` declares."""

    __slots__ = ("_asked", "_clock", "_keyring", "_list_name", "_plan", "_request")

    def __init__(
        self, plan: PagePlan, list_name: bytes, asked: Asked, request: Request, keyring: Keyring, clock: Clock
    ) -> None:
        self._plan = plan
        self._list_name = list_name
        self._asked = asked
        self._request = request
        self._keyring = keyring
        self._clock = clock

    @property
    def limit(self) -> int:
        """How many rows the page has at most."""
        return self._asked.limit

    async def read(
        self,
        db: Reads,
        where: str | None = None,
        arguments: Sequence[Any] = (),
        select: str | None = None,
        within: Sequence[Any] = (),
    ) -> Listing[Any]:
        """The rows of the page, and the cursors of those around it; adds the Link header to the response.

        `where` is a condition that all rows satisfy, `select` a statement to read from instead of the declared table:
        its columns are the fields of the row. `arguments` are the values of ``$1``, ``$2``, … in both. `within` are
        the values of the columns that the declaration names so. A cursor goes on only under the same values of both.

        Raises a `Problem`: 400 for a cursor that is not of this list, 504 if counting takes longer than
        `COUNT_SECONDS`; and what `Db.all` raises.
        """
        asked, keys = self._asked, await self._keyring.keys(PURPOSE)
        base = self._base(where, arguments, select, within)
        bounds = Bounds(self._scope(), asked.sort, self._digest([*arguments, *within]))
        position = self._cursor(bounds, keys)
        items, more = await self._items(db, base, position)
        listing = self._around(items, more, position, bounds, keys)
        if asked.count != "none":
            listing.count = await self._count(db, self._base(where, arguments, select, within))
        self._link(listing)
        return listing

    def _base(self, where: str | None, arguments: Sequence[Any], select: str | None, within: Sequence[Any]) -> Select:
        source = f"({select}) as base" if select is not None else self._plan.table
        assert source is not None, "without a table, `read` needs a select"
        base = Select(source, [f"({where})"] if where is not None else [], arguments)
        if self._plan.tenant is not None:
            base.narrow_to(self._plan.tenant, self._tenant())
        for column, value in zip(self._plan.pages.within, within, strict=True):
            base.narrow_to(column, value)
        base.narrow(self._asked)
        return base

    async def _items(self, db: Reads, base: Select, position: CursorPosition | None) -> tuple[list[Any], bool]:
        """The rows in the order of the list, and whether there are more in the direction of reading."""
        asked = self._asked
        backward = position is not None and position.backward
        order = turn(asked.order) if backward else asked.order
        values, inclusive = (position.values, position.inclusive) if position is not None else (None, False)
        columns, kind, _ = self._shown()
        sql = base.rows(columns, order, values, inclusive, asked.limit + 1)
        items: list[Any] = await db.all(kind, sql, *base.arguments)
        more = len(items) > asked.limit
        del items[asked.limit :]
        if backward:
            items.reverse()
        return items, more

    def _shown(self) -> tuple[Sequence[str], Any, Sequence[str]]:
        """The columns to read, the kind that they become, and those that only the cursors need."""
        plan, asked = self._plan, self._asked
        if not asked.fields:
            return plan.columns, plan.kind, ()
        chosen = plan.columns_of(asked.fields)
        needed = [term.column for term in asked.order if term.column not in chosen]
        return (*chosen, *needed), plan.part, needed

    def _cursor(self, bounds: Bounds, keys: Keys) -> CursorPosition | None:
        if self._asked.cursor is None:
            return None
        now = int(self._clock.now().timestamp())
        return read_cursor(self._asked.cursor, bounds, now, keys, self._plan.decoder_of(self._asked.order))

    def _around(
        self, items: list[Any], more: bool, position: CursorPosition | None, bounds: Bounds, keys: Keys
    ) -> Listing[Any]:
        """The listing with its cursors.

        After a page that was read backwards there is always another: the one from which it was read. An empty page has
        no row for a cursor, so its cursor is the position at which it was read, including the row there.
        """
        expires = self._expiry()

        def cursor(at: CursorPosition) -> str:
            return write_cursor(at, bounds, expires, keys)

        backward = position is not None and position.backward
        ahead: CursorPosition | None = None
        behind: CursorPosition | None = None
        if items:
            if more or backward:
                ahead = CursorPosition(self._values(items[-1]))
            if (more and backward) or (position is not None and not backward):
                behind = CursorPosition(self._values(items[0]), backward=True)
        elif position is not None:
            turned = CursorPosition(position.values, backward=not backward, inclusive=not position.inclusive)
            ahead, behind = (turned, None) if backward else (None, turned)
        listing: Listing[Any] = Listing(
            items=items,
            next=cursor(ahead) if ahead is not None else None,
            previous=cursor(behind) if behind is not None else None,
        )
        self._hide(items)
        return listing

    def _values(self, item: Any) -> tuple[Any, ...]:
        values = (getattr(item, term.column) for term in self._asked.order)
        return tuple(value.value if isinstance(value, Enum) else value for value in values)

    def _hide(self, items: list[Any]) -> None:
        """Take away what was read for the cursors only."""
        _, _, hidden = self._shown()
        for item in items if hidden else ():
            for column in hidden:
                setattr(item, column, msgspec.UNSET)

    async def _count(self, db: Reads, base: Select) -> int:
        if self._asked.count == "estimate":
            plan = await db.one(list[dict[str, Any]], base.estimate(), *base.arguments)
            return int(plan[0]["Plan"]["Plan Rows"])
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                return await db.one(int, base.count(), *base.arguments)
        except TimeoutError:
            raise Problem(504, detail="Counting took too long; ask for count=estimate.") from None

    def _link(self, listing: Listing[Any]) -> None:
        request = self._request
        value = link_header(request.target, request.scope["query_string"], listing.next, listing.previous)
        if value is not None:
            request.add(b"link", value)

    def _expiry(self) -> int:
        """In Unix seconds: the end of the lifetime after this one, so that reading twice gives the same page."""
        lifetime = int(self._plan.pages.lifetime.total_seconds())
        return (int(self._clock.now().timestamp()) // lifetime + 2) * lifetime

    def _scope(self) -> bytes:
        return _ENCODE((self._list_name, [str(value) for value in self._request.path_values], self._owner()))

    def _digest(self, arguments: Sequence[Any]) -> bytes:
        """Of everything that decides which rows there are."""
        filters = [(each.name, value) for each, value in self._asked.filters]
        return sha256(_ENCODE((filters, list(arguments)))).digest()[:_DIGEST_BYTES]

    def _owner(self) -> str | None:
        """The owner of the cursor: the tenant, or without one the principal, or None."""
        principal = self._request.principal
        if principal is None:
            return None
        return f"principal {principal.id}" if principal.tenant is None else f"tenant {principal.tenant}"

    def _tenant(self) -> Any:
        principal = self._request.principal
        if principal is None or principal.tenant is None:
            raise Problem(403, detail="This list belongs to tenants; the principal has no tenant.")
        try:
            return self._plan.tenant_value(principal.tenant)
        except Invalid:
            raise Problem(
                403, detail="This list belongs to tenants; the principal's tenant is not one of theirs."
            ) from None
