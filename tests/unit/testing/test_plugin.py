"""How the plugin runs tests; the tests of this file are the proof."""

import asyncio
import contextvars
from collections.abc import Iterator

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

_where: contextvars.ContextVar[str] = contextvars.ContextVar("where", default="nowhere")


async def test_a_coroutine_runs_in_the_loop_that_headwater_runs_on() -> None:
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)


@pytest.mark.parametrize("number", [1, 2])
async def test_fixtures_and_parameters_arrive(number: int, tmp_path: object) -> None:
    assert number in (1, 2)
    assert tmp_path is not None


@pytest.fixture(scope="module")
def awaited() -> Iterator[list[int]]:
    """The examples of the property that asks for it; it has been tried more than once when that is over."""
    examples: list[int] = []
    yield examples
    assert len(examples) > 1


@given(number=st.integers())
async def test_every_example_of_a_property_is_awaited(awaited: list[int], number: int) -> None:
    await asyncio.sleep(0)
    awaited.append(number)


class TestMethods:
    async def test_a_method_is_a_test_too(self) -> None:
        await asyncio.sleep(0)


async def test_what_a_runner_started_goes_on_in_the_test(headwater_runner: asyncio.Runner) -> None:
    assert asyncio.get_running_loop() is headwater_runner.get_loop()
