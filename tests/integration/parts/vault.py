"""An app that uses the capability."""

from headwater import App, Backend, Db, Row, Tx, uuid7
from tests.integration.parts.audit import Audited, Case, Ledger, Noted, audit

app = App("vault", migrations="nowhere", prefix="/vault")


class Paper(Row):
    case: str
    reason: str


@app.query("GET /papers", Audited(reason="reading"))
async def show(case: Case) -> Paper:
    return Paper(case=case.number, reason=case.reason)


@app.query("GET /count")
async def count(db: Db, ledger: Ledger) -> int:
    return len(ledger.seen)


@app.command("POST /papers", Audited(reason="writing"), status=201)
async def write(tx: Tx, ledger: Ledger, case: Case) -> Paper:
    ledger.write("in the command")
    tx.emit(Noted(note=uuid7(), who="ann", reason=case.number))
    return Paper(case=case.number, reason="written")


backend = Backend(app, parts=[audit()])
