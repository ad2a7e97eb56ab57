"""Two people, and every operation of the document: what is one's is not there for the other."""

from typing import Any
from uuid import uuid4

from apps.expenses.tests.people import Asker, somebody
from headwater.testing import RunningBackend

BODIES: dict[tuple[str, str], Any] = {
    ("put", "/categories/{id}"): {"name": "Mine now"},
    ("put", "/expenses/{id}"): {"amount": 1, "currency": "EUR"},
    ("put", "/categories/{category}/budgets/{month}/{currency}"): {"amount": 1},
}
PUBLIC = {("post", "/people")}


async def test_what_is_ones_own_is_not_there_for_another(backend: RunningBackend) -> None:
    ada, eve = await somebody(backend, "Ada"), await somebody(backend, "Eve")
    category = await ada.category()
    expense = (await ada.spend(category, 100)).json()["id"]
    await ada.send("PUT", f"/categories/{category}/budgets/2026-03/EUR", {"amount": 1000})
    before = await everything(ada)
    tried = 0
    for method, path in operations(backend):
        if "{" not in path or ("{month}" in path and "{category}" not in path):
            continue
        own = expense if path.startswith("/expenses") else category
        if path.startswith("/people"):
            own = (await ada.get("/people/me/keys")).json()[0]["id"]
        target = path.format(id=own, category=category, month="2026-03", currency="EUR")
        body = BODIES.get((method, path))
        if path == "/expenses/{id}" and body is not None:
            body = {**body, "category": await eve.category(str(uuid4()))}
        answer = (
            await eve.send(method.upper(), target, body, If_Match="*")
            if body
            else await eve.send(method.upper(), target)
        )
        assert (method, path, answer.status) == (method, path, 404)
        tried += 1
    assert tried >= 8
    assert await everything(ada) == before


async def test_nothing_is_spent_in_anothers_category(backend: RunningBackend) -> None:
    ada, eve = await somebody(backend, "Ada"), await somebody(backend, "Eve")
    answer = await eve.spend(await ada.category(), 100)
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "#/category")


async def test_nothing_is_shown_to_nobody(backend: RunningBackend) -> None:
    for method, path in operations(backend):
        if (method, path) in PUBLIC:
            continue
        target = path.format(id=uuid4(), category=uuid4(), month="2026-03", currency="EUR")
        answer = await backend.client.request(method.upper(), target)
        assert (method, path, answer.status) == (method, path, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


def operations(backend: RunningBackend) -> list[tuple[str, str]]:
    paths = backend.backend.openapi()["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods if method != "parameters"]


async def everything(asker: Asker) -> list[Any]:
    paths = ("/categories", "/expenses", "/budgets", "/reports/2026-03", "/people/me", "/people/me/keys")
    return [(await asker.get(path)).json() for path in paths]
