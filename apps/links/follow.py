"""The consumers."""

from apps.links import store
from apps.links.app import app
from apps.links.rows import BlockedHost, LinkAimed, LinkFollowed
from apps.people import PersonLeft
from headwater import Changed, Tx


@app.on(LinkFollowed, batch=1000)
async def count_clicks(tx: Tx, followed: list[LinkFollowed]) -> None:
    """Add up visits, a thousand at a time."""
    await store.add_clicks(tx, followed)


@app.on(Changed[BlockedHost])
async def block_host(tx: Tx, change: Changed[BlockedHost]) -> None:
    """Update the links to a host after any change of the list, by hand or otherwise."""
    await store.mark_blocked(tx, change.key.get("host"))


@app.on(LinkAimed)
async def look_again(tx: Tx, aimed: LinkAimed) -> None:
    """Check again: the host may have been blocked while the link was created; the later commit sees both."""
    await store.mark_blocked(tx, aimed.host)


@app.on(PersonLeft)
async def forget_owner(tx: Tx, left: PersonLeft) -> None:
    """Links that others have published keep working; only their owner is forgotten."""
    await store.disown(tx, str(left.person))
