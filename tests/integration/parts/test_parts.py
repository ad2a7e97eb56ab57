"""A capability that is written outside of Headwater plugs itself in, with one of everything that a part can bring."""

from pathlib import Path

import pytest

from headwater import App, Backend
from headwater.binding import ResourceInvalid
from headwater.extend import Part, Resource
from headwater.http.route.errors import OptionInvalid
from headwater.testing import RunningBackend
from tests.integration.parts.audit import LEDGERS, Audited, ReasonShared, audit
from tests.integration.parts.vault import app


@pytest.fixture(scope="module")
def headwater_backend() -> Backend:
    return Backend(app, parts=[audit()])


async def test_a_provided_type_an_option_and_a_step_are_there_in_queries(backend: RunningBackend) -> None:
    ledger = LEDGERS[-1]
    reply = await backend.client.get("/vault/papers", headers={"X-Audit-Case": "7"})
    assert reply.json() == {"case": "7", "reason": "from the header"}
    assert ledger.seen == ["GET reading", "opened 7", "closed 7"]


async def test_and_in_commands_whose_events_its_own_consumer_keeps(backend: RunningBackend) -> None:
    reply = await backend.client.post("/vault/papers", headers={"X-Audit-Case": "8"})
    assert reply.status == 201
    await backend.settle()
    assert LEDGERS[-1].seen == ["POST writing", "opened 8", "in the command", "closed 8", "kept 8"]
    assert (await backend.client.get("/audit/notes")).json() == ["8"]


async def test_its_exceptions_are_problems(backend: RunningBackend) -> None:
    reply = await backend.client.get("/vault/papers")
    assert (reply.status, reply.json()["detail"]) == (409, "Name the case in X-Audit-Case.")


async def test_operations_have_its_member_and_the_statuses_of_what_it_provides(backend: RunningBackend) -> None:
    paths = (await backend.client.get("/openapi.json")).json()["paths"]
    assert paths["/vault/papers"]["get"]["x-audited"] == "reading"
    assert "409" in paths["/vault/papers"]["get"]["responses"]
    assert "x-audited" not in paths["/vault/count"]["get"]
    assert "/audit/notes" in paths


async def test_its_middleware_is_around_everything(backend: RunningBackend) -> None:
    assert (await backend.client.get("/livez")).headers["x-audited-by"] == "audit"


async def test_its_chores_are_done(backend: RunningBackend) -> None:
    async with backend.transaction() as tx:
        for number in range(103):
            await tx.run("insert into audit.note (who, reason) values ('ann', $1)", str(number))
    backend.clock.jump(hours=1)
    await backend.settle()
    assert (await backend.client.get("/audit/notes")).json()[0] == "3"


async def test_its_metric_counts(backend: RunningBackend) -> None:
    for _ in range(3):
        await backend.client.get("/vault/papers", headers={"X-Audit-Case": "7"})
    assert b"audit_calls_total 3.0" in backend.metrics.expose()[1]


async def test_its_hook_and_its_resource_live_as_long_as_the_process(backend: RunningBackend) -> None:
    assert LEDGERS[-1].open
    assert LEDGERS[-1].started
    assert [(each.open, each.started) for each in LEDGERS[:-1]] == [(False, False)] * (len(LEDGERS) - 1)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The auditor is away, as a variable of the part's own says before the backend starts."""
    monkeypatch.setenv("AUDIT_AUDITOR", "away")


async def test_its_settings_and_its_check_say_why_requests_should_go_elsewhere(
    away: None, backend: RunningBackend
) -> None:
    reply = await backend.client.get("/readyz")
    assert (reply.status, reply.json()["missing"]) == (503, ["the auditor is away"])


def test_an_option_that_no_part_accepts_is_refused_at_the_start() -> None:
    with pytest.raises(OptionInvalid, match="Audited: no part of this backend accepts it"):
        Backend(app)


def test_its_own_rule_for_all_declarations_is_kept_at_the_start() -> None:
    other = App("drawer", migrations="nowhere", prefix="/drawer")

    @other.query("GET /papers", Audited(reason="reading"))
    async def show() -> int:
        return 1

    with pytest.raises(ReasonShared, match="reading: GET /vault/papers and GET /drawer/papers"):
        Backend(app, other, parts=[audit()])


def test_two_parts_that_open_one_type_are_refused(tmp_path: Path) -> None:
    def open_path() -> Path:
        return tmp_path

    twice = [Part(name, Resource(kind=Path, open=open_path)) for name in ("one", "other")]
    with pytest.raises(ResourceInvalid, match="provides the same type"):
        Backend(app, parts=[audit(), *twice])
