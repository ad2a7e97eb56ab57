"""A capability as a user would write it: routes say why they are audited, and whoever calls them is noted.

Nothing of it is in the core, and the core knows nothing of it. It brings one of every kind of declaration.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec

from headwater import Changed, Event, Problem, Request, Row, Tx, uuid7
from headwater.db.pools import Pools
from headwater.extend import (
    Accepts,
    Answer,
    Call,
    Check,
    Chore,
    Command,
    Declarations,
    Describe,
    Description,
    Examination,
    Finding,
    Hook,
    Metrics,
    Middleware,
    Operation,
    Option,
    Part,
    Problems,
    Process,
    RequestHeader,
    Resource,
    Route,
    Services,
    Source,
    Stage,
    Step,
    Subscription,
    Validation,
    make_route,
    own_settings,
    provider_of,
)

HEADER = "X-Audit-Case"


class Audited(Option, frozen=True, kw_only=True):
    """Why the calls of a route are audited."""

    reason: str = ""


class AuditSettings(msgspec.Struct, frozen=True):
    keep: Annotated[int, msgspec.Meta(ge=1, description="Notes that are kept.")] = 100
    auditor: str = "nobody"


class Noted(Event, key="note"):
    note: UUID
    who: str
    reason: str


class NoteRow(Row, table="audit.note"):
    id: int
    who: str
    reason: str


class ReasonShared(Exception):
    """Two routes are audited for the same reason, so that a note does not say which it was."""


class CaseMissing(Exception):
    """The call of an audited route names no case."""


class Ledger:
    """What this process has seen; one for its life."""

    def __init__(self, settings: AuditSettings, metrics: Metrics) -> None:
        self.settings = settings
        self.seen: list[str] = []
        self.started = self.open = False
        self.calls = metrics.counter("audit_calls_total", "Calls of audited routes.")

    def write(self, line: str) -> None:
        self.seen.append(line)


class Case(msgspec.Struct, frozen=True):
    """The case under which a request is made."""

    number: str
    reason: str


LEDGERS: list[Ledger] = []
"""Those that were opened, for the test to look at."""


def audit() -> Part:
    """The capability."""
    return Part(
        "audit",
        Source("audit", "audit", Path(__file__).parent / "migrations"),
        own_settings(AuditSettings, "AUDIT_"),
        Resource(kind=Ledger, open=_open_ledger),
        Accepts(Audited),
        Validation(_refuse_shared_reasons),
        provider_of(_find_case, statuses=(409,)),
        Step(
            name="audit",
            stage=Stage.PRINCIPAL,
            does="notes who calls an audited route",
            plan=_plan,
            wrap=_wrap,
        ),
        Problems(CaseMissing, lambda error: Problem(409, detail="Name the case in X-Audit-Case.")),
        Describe(of=_describe),
        RequestHeader(name=HEADER),
        make_route("GET", "/audit/notes", _list_notes, app="audit"),
        Subscription(name="audit.keep", app="audit", events=(Noted,), handler=_keep),
        Chore(name="audit forgets", run=_forget),
        Check(reasons=_reasons),
        Examination(examine=_examine),
        Process(name="auditor", run=_follow),
        Command(name="audit", run=_print_notes, help="Print how many notes there are."),
        Middleware(_around),
        Hook(run=_live),
    )


async def _open_ledger(settings: AuditSettings, metrics: Metrics) -> AsyncIterator[Ledger]:
    ledger = Ledger(settings, metrics)
    ledger.open = True
    LEDGERS.append(ledger)
    yield ledger
    ledger.open = False


async def _find_case(request: Request, ledger: Ledger) -> AsyncIterator[Case]:
    number = request.headers.get(HEADER, "")
    if not number:
        raise CaseMissing
    ledger.write(f"opened {number}")
    yield Case(number, "from the header")
    ledger.write(f"closed {number}")


def _plan(operation: Operation) -> Audited | None:
    declared = operation.option(Audited)
    return declared if declared.reason else None


def _wrap(call: Call, plan: Audited, operation: Operation, services: Services) -> Call:
    ledger = services[Ledger]

    async def call_noted(request: Request) -> Answer:
        ledger.calls.add()
        ledger.write(f"{request.method} {plan.reason}")
        return await call(request)

    return call_noted


def _describe(operation: Operation) -> Description:
    reason = operation.option(Audited).reason
    return Description(members={"x-audited": reason}) if reason else Description()


async def _list_notes(pools: Pools) -> list[str]:
    """What has been noted."""
    async with pools.reads.acquire() as connection:
        return [row["reason"] for row in await connection.fetch("select reason from audit.note order by id")]


async def _keep(tx: Tx, event: Noted, ledger: Ledger) -> None:
    ledger.write(f"kept {event.reason}")
    await tx.run("insert into audit.note (who, reason) values ($1, $2)", event.who, event.reason)


async def _forget(pools: Pools, settings: AuditSettings) -> int:
    async with pools.writes.acquire() as connection:
        tag: str = await connection.execute(
            "delete from audit.note where id <= (select max(id) - $1 from audit.note)", settings.keep
        )
    return int(tag.removeprefix("DELETE "))


def _refuse_shared_reasons(declared: Declarations) -> None:
    known: dict[str, Route] = {}
    for route in declared.of(Route):
        reason = route.option(Audited).reason
        if reason and known.setdefault(reason, route) is not route:
            raise ReasonShared(f"{reason}: {known[reason]} and {route}")


async def _reasons(settings: AuditSettings) -> list[str]:
    return ["the auditor is away"] if settings.auditor == "away" else []


async def _examine(settings: AuditSettings) -> list[Finding]:
    return [Finding(ok=settings.keep >= 10, subject="audit", found=f"keeps {settings.keep} notes", wanted="10 or more")]


async def _follow(stop: asyncio.Event, ledger: Ledger) -> None:
    ledger.write("the auditor follows")
    await stop.wait()


async def _print_notes(pools: Pools, at_least: int = 0) -> None:
    async with pools.reads.acquire() as connection:
        count = await connection.fetchval("select count(*) from audit.note")
    print(f"{count} notes, {'enough' if count >= at_least else 'too few'}")


def _around(app: Any) -> Any:
    async def audited(scope: Any, receive: Any, send: Any) -> None:
        async def send_marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-audited-by", b"audit")]}
            await send(message)

        await app(scope, receive, send_marked)

    return audited


async def _live(ledger: Ledger) -> AsyncIterator[None]:
    ledger.started = True
    yield
    ledger.started = False


__all__ = ["AuditSettings", "Audited", "Case", "Changed", "Ledger", "NoteRow", "Noted", "audit", "uuid7"]
