"""A readiness check that fails, or does not end, is a reason itself: the probe gets a response, the log the cause."""

import asyncio

import pytest

from headwater import Backend
from headwater.extend import Check, Part
from headwater.observe import Occurrence, subscribe
from headwater.readiness import CheckFailed
from headwater.testing import RunningBackend
from tests.integration.parts.audit import audit
from tests.integration.parts.vault import app

FAILED = "a check failed; the log has the reason"


async def raises() -> list[str]:
    raise ValueError("postgresql://headwater:sesame@localhost")


async def hangs() -> list[str]:
    await asyncio.Event().wait()
    return []


async def objects() -> list[str]:
    return ["the moon is down"]


@pytest.fixture(scope="module")
def headwater_backend() -> Backend:
    return Backend(
        app, parts=[audit(), Part("sick", Check(reasons=raises), Check(reasons=hangs), Check(reasons=objects))]
    )


async def test_checks_that_raise_or_hang_are_reasons_beside_the_others(
    backend: RunningBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.readiness.CHECK_SECONDS", 0.2)
    seen: list[Occurrence] = []
    unsubscribe = subscribe(seen.append)
    try:
        reply = await asyncio.wait_for(backend.client.get("/readyz"), 10)
    finally:
        unsubscribe()
    assert (reply.status, reply.json()["missing"]) == (503, [FAILED, FAILED, "the moon is down"])
    assert "sesame" not in reply.text
    failed = {each.check: each.reason for each in seen if isinstance(each, CheckFailed)}
    here = "tests.integration.parts.test_checks"
    assert failed[f"{here}.raises"].startswith("ValueError: ")
    assert failed[f"{here}.hangs"] == "no response in 0.2 s"
