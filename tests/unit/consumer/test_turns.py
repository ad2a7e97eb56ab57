"""TurnQueue: a burst leaves room for others, what is slow stands aside, and nobody waits for ever."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.consumer.turns import TurnQueue


class FakeLane:
    def __init__(self, name: str, *, alone: bool = False) -> None:
        self.consumer_name = name
        self.alone = alone

    def __repr__(self) -> str:
        return self.consumer_name


def taken(slots: TurnQueue[FakeLane]) -> list[FakeLane]:
    found = []
    while (lane := slots.take()) is not None:
        found.append(lane)
    return found


def test_a_burst_of_one_consumer_leaves_a_slot_for_the_others() -> None:
    slots: TurnQueue[FakeLane] = TurnQueue(4, 9)
    for _ in range(10):
        slots.offer(FakeLane("busy"))
    assert len(taken(slots)) == 3
    slots.offer(FakeLane("other"))
    assert [lane.consumer_name for lane in taken(slots)] == ["other"]


def test_the_consumer_with_the_fewest_lanes_at_work_is_next() -> None:
    slots: TurnQueue[FakeLane] = TurnQueue(4, 9)
    for name in ("a", "a", "a", "b", "c"):
        slots.offer(FakeLane(name))
    assert [lane.consumer_name for lane in taken(slots)] == ["a", "b", "c", "a"]


def test_a_slow_turn_makes_room_for_another() -> None:
    slots: TurnQueue[FakeLane] = TurnQueue(1, 3)
    for name in ("a", "b", "c", "d"):
        slots.offer(FakeLane(name))
    for name in ("a", "b", "c"):
        [lane] = taken(slots)
        assert name == lane.consumer_name
        slots.mark_slow(lane)
    assert taken(slots) == []  # the connections are used up
    slots.give_back(lane)
    assert [lane.consumer_name for lane in taken(slots)] == ["d"]
    assert slots.statistics() == {"working": 3, "slow": 2, "waiting": 0}


def test_consumers_that_hang_leave_room_for_one_that_does_not() -> None:
    slots: TurnQueue[FakeLane] = TurnQueue(4, 9)
    for number in range(8):
        for _ in range(16):
            slots.offer(FakeLane(f"hangs {number}"))
    first = slots.take()
    while first is not None:  # each hangs at once, so the share of all shrinks as it goes
        slots.mark_slow(first)
        first = slots.take()
    slots.offer(FakeLane("works"))
    lane = slots.take()
    assert lane is not None
    assert lane.consumer_name == "works"


def test_a_key_that_hangs_leaves_room_for_the_other_partitions_of_its_consumer() -> None:
    slots: TurnQueue[FakeLane] = TurnQueue(2, 5)
    slots.offer(FakeLane("a"))
    [hanging] = taken(slots)
    slots.offer(FakeLane("a"))
    assert taken(slots) == []
    slots.mark_slow(hanging)
    assert len(taken(slots)) == 1


def test_a_consumer_that_collides_with_itself_works_alone() -> None:
    slots: TurnQueue[FakeLane] = TurnQueue(4, 9)
    for _ in range(3):
        slots.offer(FakeLane("a", alone=True))
    [lane] = taken(slots)
    slots.give_back(lane)
    assert len(taken(slots)) == 1


def test_a_lane_that_no_longer_wants_to_work_is_not_asked() -> None:
    slots: TurnQueue[FakeLane] = TurnQueue(4, 9)
    lane = FakeLane("a")
    slots.offer(lane)
    slots.withdraw(lane)
    assert slots.take() is None


@given(
    st.lists(st.tuples(st.sampled_from(["offer", "take", "slow", "give back"]), st.integers(0, 5)), max_size=200),
    st.integers(1, 4),
    st.integers(1, 5),
)
def test_limits_hold_and_whoever_waits_gets_a_turn(moves: list[tuple[str, int]], slots_: int, more: int) -> None:
    slots: TurnQueue[FakeLane] = TurnQueue(slots_, slots_ + more)
    working: list[FakeLane] = []
    slow: set[FakeLane] = set()
    waiting = 0
    for move, number in moves:
        if move == "offer":
            slots.offer(FakeLane(f"consumer {number}"))
            waiting += 1
        elif move == "take" and (lane := slots.take()) is not None:
            working.append(lane)
            waiting -= 1
        elif move == "slow" and working:
            slow.add(working[number % len(working)])
            slots.mark_slow(working[number % len(working)])
        elif move == "give back" and working:
            lane = working.pop(number % len(working))
            slow.discard(lane)
            slots.give_back(lane)
        assert len(working) <= slots_ + more
        assert {"working": len(working), "slow": len(slow), "waiting": waiting} == slots.statistics()
    for lane in working:
        slots.give_back(lane)
    while waiting:
        turn = taken(slots)
        assert turn
        waiting -= len(turn)
        for lane in turn:
            slots.give_back(lane)
