"""The scheduler: gives lanes their turns, and pauses those that have to wait.

A lane is idle, waits for a turn, runs, or pauses. If work arrives while it runs, it gets another turn afterwards.
Nothing shortens a pause (after an interruption, for a lock, for newer code).

The clock of the backend decides when the next key in retry is due. Pauses are real time, since they wait
for other systems.
"""

import asyncio
import random
from collections.abc import Callable

from headwater.clock import Clock, Timer
from headwater.consumer.lane import Lane, Turn
from headwater.consumer.limits import Limits
from headwater.consumer.turns import TurnQueue

_SHORTEST_ALARM_SECONDS = 0.001


class Scheduler:
    """Runs the turns of any number of lanes; `ended` is called with the end of each turn."""

    def __init__(self, limits: Limits, clock: Clock, ended: Callable[[Lane, Turn], None]) -> None:
        self._limits = limits
        self._clock = clock
        self._ended = ended
        self._turns: TurnQueue[Lane] = TurnQueue(limits.turns, limits.connections)
        self._waiting: set[Lane] = set()
        self._working: dict[Lane, asyncio.Task[None]] = {}
        self._again: set[Lane] = set()
        self._paused: dict[Lane, asyncio.TimerHandle] = {}
        self._alarms: dict[Lane, Timer] = {}
        self._draining = False

    def ready(self, lane: Lane) -> None:
        """There is work for this lane."""
        if lane in self._working:
            self._again.add(lane)
        elif lane not in self._waiting and lane not in self._paused and not self._draining:
            self._cancel_alarm(lane)
            self._waiting.add(lane)
            self._turns.offer(lane)
            self._dispatch()

    def is_idle(self, lane: Lane) -> bool:
        """Whether the lane neither runs, nor waits for a turn, nor pauses."""
        return lane not in self._working and lane not in self._waiting and lane not in self._paused

    def is_working(self, lane: Lane) -> bool:
        return lane in self._working

    def remove(self, lane: Lane) -> None:
        """Remove a lane that does not run."""
        self._cancel_alarm(lane)
        if (timer := self._paused.pop(lane, None)) is not None:
            timer.cancel()
        if lane in self._waiting:
            self._waiting.discard(lane)
            self._turns.withdraw(lane)

    async def drain(self, seconds: float) -> None:
        """Start no more turns; give those under way so much time, then cancel them, which rolls them back."""
        self._draining = True
        for timer in (*self._paused.values(), *self._alarms.values()):
            timer.cancel()
        if self._working:
            await asyncio.wait(self._working.values(), timeout=seconds)
        tasks = list(self._working.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def statistics(self) -> dict[str, int]:
        return {**self._turns.statistics(), "paused": len(self._paused)}

    def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._draining and (lane := self._turns.take()) is not None:
            self._waiting.discard(lane)
            self._working[lane] = loop.create_task(
                self._work(lane), name=f"{lane.consumer_name} {lane.watermark_key.partition}"
            )

    async def _work(self, lane: Lane) -> None:
        slow = asyncio.get_running_loop().call_later(self._limits.slow_after, self._mark_slow, lane)
        try:
            ended = await lane.turn()
        finally:
            slow.cancel()
            del self._working[lane]
            self._turns.give_back(lane)
        self._after(lane, ended)
        self._dispatch()

    def _mark_slow(self, lane: Lane) -> None:
        self._turns.mark_slow(lane)
        self._dispatch()

    def _after(self, lane: Lane, ended: Turn) -> None:
        again = lane in self._again
        self._again.discard(lane)
        match ended:
            case Turn.MORE:
                self.ready(lane)
            case Turn.DONE:
                if again:
                    self.ready(lane)
                else:
                    self._set_alarm(lane)
            case Turn.STOPPED:
                self._pause(lane, self._limits.stopped_pause * random.uniform(0.75, 1.25))
            case Turn.LOCKED | Turn.INTERRUPTED:
                self._pause(lane, lane.pause)
            case Turn.MOVED:
                pass
        self._ended(lane, ended)

    def _pause(self, lane: Lane, seconds: float) -> None:
        if not self._draining:
            self._paused[lane] = asyncio.get_running_loop().call_later(seconds, self._resume, lane)

    def _resume(self, lane: Lane) -> None:
        del self._paused[lane]
        self.ready(lane)

    def _set_alarm(self, lane: Lane) -> None:
        """Wake the lane when its next key in retry is due."""
        if lane.due_at is not None and not self._draining:
            seconds = max((lane.due_at - self._clock.now()).total_seconds(), _SHORTEST_ALARM_SECONDS)
            self._alarms[lane] = self._clock.call_later(seconds, self.ready, lane)

    def _cancel_alarm(self, lane: Lane) -> None:
        if (timer := self._alarms.pop(lane, None)) is not None:
            timer.cancel()
