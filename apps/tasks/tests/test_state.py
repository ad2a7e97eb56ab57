"""The states of a task: what may become what, and what is stored of it."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.people.testing import Join
from apps.tasks.state import WAYS, State, is_over, require_way
from headwater import CheckFailed, Problem
from headwater.testing import Client, RunningBackend

STATES: tuple[State, ...] = get_args(State)


def goes(here: State, there: State) -> bool:
    try:
        require_way(here, there)
    except Problem:
        return False
    return True


@given(st.lists(st.sampled_from(STATES), max_size=20))
def test_however_it_is_tried_what_is_over_is_opened_before_anything_else(wishes: list[State]) -> None:
    here: State = "open"
    for there in wishes:
        if goes(here, there):
            assert not is_over(here) or there in (here, "open")
            here = there
        assert here in STATES


@given(st.sampled_from(STATES), st.sampled_from(STATES))
def test_every_state_is_reached_from_every_other_in_two_steps_at_most(here: State, there: State) -> None:
    assert goes(here, there) or any(there in WAYS[between] for between in WAYS[here])


async def make_task(client: Client) -> str:
    project = (await client.post("/projects", json={"name": "Move house"})).json()
    task = (await client.post(f"/projects/{project['id']}/tasks", json={"title": "Order boxes"})).json()
    return f"/tasks/{task['id']}"


@pytest.mark.parametrize("there", STATES)
@pytest.mark.parametrize("here", STATES)
async def test_the_api_goes_the_ways_that_there_are_and_no_others(join: Join, here: State, there: State) -> None:
    ada = (await join("Ada")).client
    path = await make_task(ada)
    await ada.patch(path, json={"state": here})
    answer = await ada.patch(path, json={"state": there})
    task = (await ada.get(path)).json()
    if here == there or there in WAYS[here]:
        assert (answer.status, task["state"]) == (200, there)
        assert (task["ended_at"] is not None) == is_over(there)
    else:
        assert (answer.status, task["state"]) == (409, here)
        assert (answer.json()["state"], answer.json()["wanted"]) == (here, there)
        assert answer.json()["allowed"] == list(WAYS[here])


async def test_whatever_the_code_does_what_is_over_has_an_end(backend: RunningBackend, join: Join) -> None:
    await make_task((await join("Ada")).client)
    with pytest.raises(CheckFailed):
        async with backend.transaction() as tx:
            await tx.run("update tasks.task set state = 'done'")
