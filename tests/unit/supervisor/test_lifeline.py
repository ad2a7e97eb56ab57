"""The lifeline between supervisor and child."""

import os
import threading

from headwater.supervisor.lifeline import ChildEnd, SupervisorEnd


async def test_a_child_says_that_it_is_ready() -> None:
    supervisor, childs = SupervisorEnd.pair()
    end = ChildEnd(childs.detach())
    end.say_ready()
    end.say_ready()
    assert await supervisor.wait_ready()
    end.close()
    supervisor.close()


async def test_a_child_that_ends_before_is_not_ready() -> None:
    supervisor, childs = SupervisorEnd.pair()
    childs.close()
    assert not await supervisor.wait_ready()
    supervisor.close()


async def test_a_child_hears_that_its_supervisor_is_gone() -> None:
    supervisor, childs = SupervisorEnd.pair()
    heard, ended = threading.Event(), threading.Event()
    end = ChildEnd(childs.detach())
    end.on_cut(heard.set, last_resort=ended.set, orphan_seconds=0.01)
    assert not heard.is_set()
    supervisor.close()
    assert heard.wait(5)
    assert ended.wait(5)


def test_a_child_passes_its_end_on_to_nobody() -> None:
    supervisor, childs = SupervisorEnd.pair()
    descriptor = childs.detach()
    os.set_inheritable(descriptor, True)
    end = ChildEnd(descriptor)
    assert not os.get_inheritable(descriptor)
    end.close()
    supervisor.close()
