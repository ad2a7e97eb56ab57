"""The client of every app is written as a person would, and works against the live backend."""

import importlib.util
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headwater.api import write_client
from headwater.testing.databases import Databases
from tests.conformance.apps import APPS, PROJECT, AppCase
from tests.conformance.live import serve_app

SECONDS = 120
WITH_LISTS = [case for case in APPS if case.name != "people"]
"""All but the one whose lists each belong to a person."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients of all apps, in both voices."""
    folder = tmp_path_factory.mktemp("clients")
    for case in APPS:
        document = case.load().openapi()
        (folder / f"{case.name}_client.py").write_text(write_client(document))
        (folder / f"{case.name}_client_sync.py").write_text(write_client(document, sync=True))
    return folder


def check(*command: str, folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", *command, str(folder)], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_clients_pass_a_strict_type_checker(written: Path) -> None:
    check("mypy", "--strict", "--config-file=", "--no-error-summary", folder=written)


def test_clients_are_formatted_and_have_nothing_to_lint(written: Path) -> None:
    settings = str(PROJECT / "pyproject.toml")
    check("ruff", "check", "--no-cache", "--config", settings, folder=written)
    check("ruff", "format", "--check", "--no-cache", "--config", settings, folder=written)


@pytest.mark.parametrize("case", WITH_LISTS, ids=lambda case: case.name)
async def test_every_list_of_an_app_can_be_read(case: AppCase, written: Path, headwater_databases: Databases) -> None:
    module = load(written / f"{case.name}_client.py")
    with serve_app(case, headwater_databases) as live:
        async with module.Client(live.url, headers=live.headers) as client:
            lists = [getattr(client, name) for name in dir(client) if name.startswith("iterate_")]
            walked = [await count(iterate) for iterate in lists if not is_asked_more(iterate)]
    assert walked
    assert all(number <= MOST for number in walked)


async def test_an_order_is_placed_through_the_client(written: Path, headwater_databases: Databases) -> None:
    module = load(written / "shop_client.py")
    case = next(case for case in APPS if case.name == "shop")
    with serve_app(case, headwater_databases) as live:
        async with module.Client(live.url) as client:
            product = (await client.list_products(limit=1)).items[0]
            receipt, again = module.Receipt(), module.Receipt()
            wish = module.NewOrder(product=product.id, quantity=1)
            order = await client.place_order(wish, idempotency_key="k1", receipt=receipt)
            assert await client.place_order(wish, idempotency_key="k1", receipt=again) == order
            assert (receipt.status, receipt.replayed, again.replayed) == (201, False, True)
            with pytest.raises(module.InvalidRequest) as raised:
                await client.place_order(module.NewOrder(product=product.id, quantity=0))
            assert [error.pointer for error in raised.value.errors] == ["#/quantity"]
            with pytest.raises(module.NotFound):
                await client.show_order(product.id)


MOST = 500


def is_asked_more(iterate: Callable[..., Any]) -> bool:
    """Whether something has to be known to walk over it."""
    parameters = inspect.signature(iterate).parameters.values()
    return any(parameter.default is inspect.Parameter.empty for parameter in parameters)


async def count(iterate: Callable[..., Any]) -> int:
    """How many items come, of the first few hundred."""
    number = 0
    async for _ in iterate(limit=100):
        number += 1
        if number == MOST:
            break
    return number


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
