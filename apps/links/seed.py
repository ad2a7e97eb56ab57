"""Demo data: a few links, and a blocked host."""

from datetime import UTC, datetime, timedelta
from typing import Final

from apps.links import store
from apps.links.rows import NewLink
from apps.links.target import read_target
from apps.people.seed import plant_person
from headwater import Tx

LINKS: Final = (
    NewLink(target="https://www.postgresql.org/docs/current/wal-intro.html", alias="wal"),
    NewLink(target="https://www.rfc-editor.org/rfc/rfc9110.html#name-302-found", alias="found"),
    NewLink(target="https://docs.python.org/3/library/asyncio.html", alias="asyncio", status=301),
)


async def plant(tx: Tx) -> str:
    """Fill an empty shortener; returns the text for the start screen."""
    person = await plant_person(tx)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    passing = NewLink(target="https://example.com/only-today", alias="today", expires_at=tomorrow)
    for new in (*LINKS, passing):
        assert new.alias is not None
        await store.add_link(tx, new.alias, read_target(new.target), new, str(person.id))
    await tx.run("insert into links.blocked_host (host, reason) values ('malware.example', 'demo')")
    return f"{len(LINKS) + 1} links of {person.name} were added, such as /wal; her key is {person.key.secret}"
