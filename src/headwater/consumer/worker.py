"""A consumer worker: one process that follows the log for all subscriptions over all partitions.

Wake-ups and surveys find which lanes have work (`headwater.consumer.survey`), the scheduler gives them
turns (`headwater.consumer.scheduler`), a lane does the work (`headwater.consumer.lane`).

Workers share partitions without communication. Worker i of n owns every n-th partition. It helps in another one only
when two surveys in a row find work there and no progress. The locks on the watermarks make that safe, and a worker that
ends costs a delay of one or two surveys.

When PostgreSQL is unreachable, the worker forgets everything. Afterwards the first wide survey reads the stored state.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from headwater.binding import Providers, Services
from headwater.clock import Clock, SystemClock
from headwater.consumer.consumer import Consumer
from headwater.consumer.failure import is_passing
from headwater.consumer.handler import NOTHING_PROVIDED, Call, Handler
from headwater.consumer.lane import Lane, Turn
from headwater.consumer.layout import Switch, switch
from headwater.consumer.limits import RECONNECT, Limits, Step, no_step
from headwater.consumer.meter import ConsumerMeter
from headwater.consumer.occurrences import ConsumerForgotten, ConsumerWithoutCode, LayoutSwitched, WorkerInterrupted
from headwater.consumer.registry import register
from headwater.consumer.scheduler import Scheduler
from headwater.consumer.subscription import Subscription
from headwater.consumer.survey import Passage, Survey, WatermarkState, pass_over, survey, topics_appended
from headwater.consumer.watermark import WatermarkKey
from headwater.db import Connection, Pool
from headwater.log import START, Position, Wakeups
from headwater.observe import Metrics, report

_LOOK_BYTES = 4 * 1024 * 1024
_LOOK_SECONDS = 30.0
_SOON_SECONDS = 0.01


async def run_consumers(
    url: str,
    subscriptions: Sequence[Subscription],
    *,
    worker: int = 0,
    workers: int = 1,
    stop: asyncio.Event,
    clock: Clock | None = None,
    limits: Limits | None = None,
    step: Step = no_step,
    ready: Callable[[], None] = lambda: None,
    providers: Providers = NOTHING_PROVIDED,
    services: Services | None = None,
    metrics: Metrics | None = None,
) -> None:
    """Be consumer worker `worker` of `workers` until `stop` is set. Raises a `HandlerError` before anything is started.

    Handlers get what `providers` provide; the resources that these need are opened in `services`, which stays the
    caller's. `ready` is called once the worker looks after its partitions. `step` is told of each transaction's steps.
    It counts on `metrics`.
    """
    limits = limits or Limits()
    handlers = {each.name: Handler(each, providers) for each in subscriptions}
    services = services or Services()
    await services.open_each(use for handler in handlers.values() for use in handler.uses)
    calls = {name: handler.link(services) for name, handler in handlers.items()}
    pool = Pool(
        url,
        size=limits.connections + 1,
        application_name=f"headwater consumer {worker}",
        statement_timeout=0.0,  # a claim sets the server's, and lanes watch the clock: a timer per statement is dear
    )
    meter = ConsumerMeter(metrics or Metrics(), [subscription.name for subscription in subscriptions])
    body = Worker(pool, subscriptions, calls, worker, workers, clock or SystemClock(), limits, step, meter)
    end_counting = meter.listen()
    try:
        async with Wakeups(url, application_name=f"headwater consumer {worker} listens") as wakeups:
            wakeups.subscribe(body.wake)
            await body.run(stop, ready)
    finally:
        end_counting()
        await pool.close()


class Worker:
    """The state of one worker process."""

    def __init__(
        self,
        pool: Pool,
        subscriptions: Sequence[Subscription],
        calls: Mapping[str, Call],
        worker: int,
        workers: int,
        clock: Clock,
        limits: Limits,
        step: Step,
        meter: ConsumerMeter,
    ) -> None:
        self._pool = pool
        self._subscriptions = {subscription.name: subscription for subscription in subscriptions}
        self._calls = calls
        self._consumers = {
            name: Consumer(name, each, calls[name], clock, limits) for name, each in self._subscriptions.items()
        }
        self._worker = worker % workers
        self._workers = workers
        self._clock = clock
        self._limits = limits
        self._step = step
        self._meter = meter
        self._scheduler = Scheduler(limits, clock, self._turn_ended)
        self._lanes: dict[WatermarkKey, Lane] = {}
        self._own: dict[int, list[Lane]] = {}
        """The lanes of this worker's own partitions."""
        self._before: dict[WatermarkKey, WatermarkState] = {}
        """Where others' partitions with work to do stood at the last wide look."""
        self._without_code: set[str] = set()
        self._forgotten: set[str] = set()
        self._alarm = asyncio.Event()
        self._head: Position | None = None
        """Where the head of the log is, as far as wake-ups told."""
        self._looked: Position | None = None
        """Up to where this worker has looked; None when in doubt."""
        self._grown: dict[int, Position] = {}
        """By partition, up to where a narrow look last found something."""
        self._base = START
        """Where the narrow looks began."""
        self._survey_at = 0.0
        self._pass_at: float | None = None
        self._passed_at = 0.0
        self._failures = 0

    def wake(self, position: Position | None, partitions: Iterable[int]) -> None:
        """The log has grown up to `position`, in these partitions; None, after a reconnect: look for yourself."""
        if position is None:
            self._forget()
        else:
            self._head = position if self._head is None else max(self._head, position)
            if not all(self._is_own(partition) for partition in partitions):
                self._survey_at = min(self._survey_at, time.monotonic() + self._limits.foreign_poll)
        self._alarm.set()

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Work until `stop` is set; then finish, or roll back, what is under way."""
        stopping = asyncio.create_task(self._wake_on(stop))
        try:
            await self._until_it_works(self._register, stop)
            await self._until_it_works(self._look_widely, stop)
            ready()
            while not stop.is_set():
                await self._wait()
                await self._until_it_works(self._look, stop)
        finally:
            stopping.cancel()
            await self._scheduler.drain(self._limits.drain)

    def statistics(self) -> dict[str, Any]:
        return {
            "worker": self._worker,
            "workers": self._workers,
            "consumers": sorted({watermark_key.consumer for watermark_key in self._lanes}),
            "lanes": len(self._lanes),
            "applied": sum(lane.applied for lane in self._lanes.values()),
            "stopped": {
                f"{watermark_key.consumer} {watermark_key.partition}": lane.stopped
                for watermark_key, lane in self._lanes.items()
                if lane.stopped is not None
            },
            **self._scheduler.statistics(),
        }

    # Waiting and looking.

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._alarm.set()

    async def _wait(self) -> None:
        """Until a wake-up, or until it is time to look without one."""
        until = self._survey_at if self._pass_at is None else min(self._survey_at, self._pass_at)
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self._alarm.wait()
        except TimeoutError:
            pass

    async def _until_it_works(self, work: Callable[[], Any], stop: asyncio.Event) -> None:
        """Do it, again and again while PostgreSQL is away, dropping everything that was remembered."""
        while not stop.is_set():
            self._alarm.clear()
            try:
                await work()
            except Exception as error:
                if not is_passing(error):
                    raise
                await self._lost(error, stop)
            else:
                self._failures = 0
                return

    async def _lost(self, error: Exception, stop: asyncio.Event) -> None:
        self._failures += 1
        pause = RECONNECT.delay(self._failures)
        report(WorkerInterrupted(reason=f"{type(error).__name__}: {error}", retry_in_seconds=pause))
        self._forget()
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            pass

    def _forget(self) -> None:
        """Drop what is remembered; lanes at work find out for themselves."""
        self._looked = self._pass_at = None
        self._survey_at = 0.0
        self._before.clear()
        self._grown.clear()
        for lane in self._lanes.values():
            if not self._scheduler.is_working(lane):
                lane.forget()

    async def _register(self) -> None:
        await register(self._pool, self._subscriptions.values())

    async def _look(self) -> None:
        now = time.monotonic()
        if now >= self._survey_at or self._looked is None:
            await self._look_widely()
        elif self._head is not None and self._head > self._looked:
            await self._look_narrowly(self._looked, self._head)
        if self._pass_at is not None and now >= self._pass_at:
            await self._pass_over()

    async def _with_connection(self, work: Callable[[Connection], Any]) -> Any:
        connection = await self._pool.take()
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                result = await work(connection)
        except BaseException as error:
            self._pool.note(error)
            self._pool.recover(connection)
            raise
        self._pool.put(connection)
        return result

    def _turn_ended(self, lane: Lane, ended: Turn) -> None:
        if ended is Turn.MOVED:
            self._survey_at = 0.0
            self._alarm.set()
        elif lane.passing:
            self._pass_soon()

    # The narrow look: what has been appended.

    async def _look_narrowly(self, after: Position, upto: Position) -> None:
        own = list(self._own)
        topics = await self._with_connection(
            lambda connection: topics_appended(connection, own, after, upto, _LOOK_BYTES)
        )
        for partition in own if topics is None else topics:
            for lane in self._own.get(partition, ()):
                if topics is None:
                    self._scheduler.ready(lane)
                else:
                    self._tell(lane, topics[partition], self._grown.get(partition, self._base), upto)
            self._grown[partition] = upto
        self._looked = upto

    def _tell(self, lane: Lane, topics: set[str], grown: Position, upto: Position) -> None:
        """Let a lane know what came to its partition up to `upto`; the last before that came up to `grown`."""
        known, seen = lane.known, lane.seen
        if known is None or seen is None or seen < grown or lane.wants(topics) or not self._scheduler.is_idle(lane):
            self._scheduler.ready(lane)
        else:
            lane.believe(known, upto, passing=True)
            self._pass_soon()

    # The wide look: where everything stands.

    async def _look_widely(self) -> None:
        self._survey_at = time.monotonic() + self._limits.poll
        found: Survey = await self._with_connection(survey)
        self._keep_lanes(found)
        before, self._before = self._before, {}
        at_barrier = {state.consumer for state in found.watermarks if state.generation < found.generation}
        for state in found.watermarks:
            lane = self._lanes.get(_watermark_key(state))
            if lane is not None:
                self._compare(lane, state, before.get(lane.watermark_key), found)
            if state.is_behind:
                at_barrier.discard(state.consumer)
        if found.head is not None and self._looked is None:
            self._looked = self._base = found.head
        for consumer in sorted(at_barrier):
            await self._switch(consumer)
        self._show()

    def _show(self) -> None:
        stopped = [watermark_key.consumer for watermark_key, lane in self._lanes.items() if lane.stopped is not None]
        self._meter.show(
            {watermark_key.consumer for watermark_key in self._lanes}, stopped, self._scheduler.statistics()
        )

    def _keep_lanes(self, found: Survey) -> None:
        """A lane for every watermark that there is code for, and for no other."""
        handlers = {state.consumer: state.handler for state in found.watermarks}
        for consumer, handler in handlers.items():
            if handler not in self._subscriptions and consumer not in self._without_code:
                self._without_code.add(consumer)
                report(ConsumerWithoutCode(consumer=consumer, handler=handler))
        for consumer in sorted(self._subscriptions.keys() - handlers.keys() - self._forgotten):
            self._forgotten.add(consumer)
            report(ConsumerForgotten(consumer=consumer))
        watermark_keys = {
            _watermark_key(each): each.handler for each in found.watermarks if each.handler in self._subscriptions
        }
        for watermark_key in self._lanes.keys() - watermark_keys.keys():
            if not self._scheduler.is_working(self._lanes[watermark_key]):
                self._scheduler.remove(self._lanes.pop(watermark_key))
        for watermark_key in watermark_keys.keys() - self._lanes.keys():
            runs = self._consumer(watermark_key.consumer, watermark_keys[watermark_key])
            self._lanes[watermark_key] = Lane(watermark_key, runs, self._pool, self._clock, self._limits, self._step)
        self._own = {}
        for watermark_key, lane in self._lanes.items():
            if self._is_own(watermark_key.partition):
                self._own.setdefault(watermark_key.partition, []).append(lane)

    def _consumer(self, name: str, handler: str) -> Consumer:
        if name not in self._consumers:
            self._consumers[name] = Consumer(
                name, self._subscriptions[handler], self._calls[handler], self._clock, self._limits
            )
        return self._consumers[name]

    def _compare(self, lane: Lane, state: WatermarkState, before: WatermarkState | None, found: Survey) -> None:
        """Give a lane its turn if what was found is work that nobody is at."""
        if not self._scheduler.is_idle(lane):
            return
        lane.believe(state.position, state.position)
        assert lane.seen is not None
        behind = state.is_behind and state.tip is not None and lane.seen < state.tip
        due = state.due_at is not None and state.due_at <= self._clock.now()
        if behind or due:
            if self._is_own(state.partition) or _stands_still(state, before):
                self._scheduler.ready(lane)
            else:
                self._before[lane.watermark_key] = state
        elif state.is_behind:
            lane.believe(state.position, lane.seen, passing=True)
            self._pass_soon()
        elif state.generation == found.generation and found.head is not None:
            lane.believe(state.position, found.head)

    async def _switch(self, consumer: str) -> None:
        outcome: Switch = await self._with_connection(lambda connection: switch(connection, consumer))
        if outcome is Switch.SWITCHED:
            self._step("switched")
            report(LayoutSwitched(consumer=consumer))
            self._survey_at = 0.0

    # Passing over what concerned nobody.

    def _pass_soon(self) -> None:
        if self._pass_at is None:
            self._pass_at = max(time.monotonic() + _SOON_SECONDS, self._passed_at + self._limits.flush)
            self._alarm.set()

    async def _pass_over(self) -> None:
        """Move the watermarks of the lanes that only passed over entries, all in one transaction."""
        self._pass_at, self._passed_at = None, time.monotonic()
        lanes = {
            (watermark_key.consumer, watermark_key.partition): Passage(*watermark_key, lane.known, lane.seen)
            for watermark_key, lane in self._lanes.items()
            if lane.passing and self._scheduler.is_idle(lane) and lane.known is not None and lane.seen is not None
        }
        if lanes:
            moved = await self._with_connection(lambda connection: pass_over(connection, lanes.values()))
            self._note_passed(lanes, moved)

    def _note_passed(
        self, passages: Mapping[tuple[str, int], Passage], moved: Mapping[tuple[str, int], Position]
    ) -> None:
        for key, passage in passages.items():
            lane = self._lanes.get(WatermarkKey(passage.consumer, passage.partition, passage.generation))
            if lane is not None and self._scheduler.is_idle(lane) and lane.known == passage.old:
                if key in moved:
                    lane.believe(moved[key], lane.seen or passage.new)
                else:
                    lane.forget()  # somebody else moved it or holds it; the next wide look tells

    def _is_own(self, partition: int) -> bool:
        return partition % self._workers == self._worker


def _watermark_key(state: WatermarkState) -> WatermarkKey:
    return WatermarkKey(state.consumer, state.partition, state.generation)


def _stands_still(state: WatermarkState, before: WatermarkState | None) -> bool:
    """Whether a partition of others was to be worked on at the last look already and has not moved since."""
    return before is not None and before.position == state.position
