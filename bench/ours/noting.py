"""A backend for the latency row: its consumer writes down every event, so that its commit can be looked up."""

from headwater import App, Backend, Event, Tx

TABLES = """
create schema if not exists bench;
create table bench.committed (number bigint primary key);
create table bench.applied (number bigint primary key);
create table bench.probe (number bigint primary key);
"""

app = App("bench")


class Committed(Event, key="number"):
    """A command has committed."""

    number: int


@app.on(Committed)
async def note(tx: Tx, event: Committed) -> None:
    """Write it down."""
    await tx.run("insert into bench.applied (number) values ($1)", event.number)


backend = Backend(app)
