"""The checker: what was committed, held against what the log says and what consumers did.

It knows the laws and nothing of how they are kept: no loss, no phantom, no duplicate, no reorder within a key, no
split transaction, positions strictly increasing, offsets without a gap, nothing published before it is visible, every
effect applied once and in order. Of each broken law it names the first, the worst and the last violation.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple
from uuid import UUID

from tests.crash.facts import Applied, Counted, Fact, Logged, Sighting


class Violation(NamedTuple):
    law: str
    weight: int
    """How bad it is, to find the worst of its law: copies, steps missed, entries strayed."""
    detail: str


class Verdict(NamedTuple):
    """What the checker found."""

    events: int
    applied: int
    violations: Sequence[Violation]

    @property
    def laws(self) -> set[str]:
        return {violation.law for violation in self.violations}

    def __str__(self) -> str:
        if not self.violations:
            return f"{self.events} events, {self.applied} effects: every law holds"
        lines = [f"{len(self.violations)} violations over {self.events} events and {self.applied} effects"]
        for law, group in groupby(sorted(self.violations, key=lambda violation: violation.law), lambda v: v.law):
            found = list(group)
            worst = max(found, key=lambda violation: violation.weight)
            lines.append(f"  {law}: {len(found)}")
            for name, one in (("first", found[0]), ("worst", worst), ("last", found[-1])):
                lines.append(f"    {name}: {one.detail}")
        return "\n".join(lines)


def check(
    ledger: Sequence[Fact],
    log: Sequence[Logged],
    applied: Sequence[Applied],
    sightings: Sequence[Sighting] = (),
    batches: Sequence[Counted] = (),
) -> Verdict:
    """Hold everything against the ledger. `log` and `batches` are given partition by partition, in the log's order."""
    violations = [
        *_positions_increase(log),
        *_offsets_without_a_gap(batches),
        *_nothing_lost_or_made_up(ledger, log),
        *_keys_in_order(log),
        *_transactions_whole(log),
        *_effects_once(ledger, applied),
        *_effects_in_order(applied),
        *(Violation(sighting.kind, 1, f"{sighting.detail} at {sighting.position}") for sighting in sightings),
    ]
    return Verdict(len(ledger), len(applied), violations)


def _positions_increase(log: Sequence[Logged]) -> Iterable[Violation]:
    for partition, entries in groupby(log, lambda entry: entry.partition):
        for before, after in pairwise(entries):
            if after.position <= before.position:
                yield Violation("positions increase", 1, f"{after.position} after {before.position} in {partition}")
    for position, count in Counter(entry.position for entry in log).items():
        if count > 1:
            yield Violation("positions are unique", count, f"{position} stands {count} times")


def _offsets_without_a_gap(batches: Sequence[Counted]) -> Iterable[Violation]:
    for partition, counted in groupby(batches, lambda batch: batch.partition):
        expected = 0
        for _, base_offset, entries in counted:
            if base_offset != expected:
                gap = abs(base_offset - expected)
                yield Violation("offsets have no gap", gap, f"{base_offset} instead of {expected} in {partition}")
            expected = base_offset + entries


def _nothing_lost_or_made_up(ledger: Sequence[Fact], log: Sequence[Logged]) -> Iterable[Violation]:
    committed = {fact.event: fact for fact in ledger}
    logged = Counter(entry.fact.event for entry in log)
    for event, fact in committed.items():
        if logged[event] == 0:
            yield Violation("no loss", 1, f"{event} (key {fact.key}, seq {fact.seq}) is not in the log")
    for entry in log:
        if entry.fact.event not in committed:
            yield Violation("no phantom", 1, f"{entry.fact.event} at {entry.position} was never committed")
        elif committed[entry.fact.event] != entry.fact:
            yield Violation("no phantom", 1, f"{entry.fact} at {entry.position} is not what was committed")
    for event, count in logged.items():
        if count > 1:
            yield Violation("no duplicate", count, f"{event} stands {count} times in the log")


def _keys_in_order(log: Sequence[Logged]) -> Iterable[Violation]:
    by_key: dict[int, list[Logged]] = defaultdict(list)
    for entry in sorted(log, key=lambda entry: entry.position):
        by_key[entry.fact.key].append(entry)
    for key, entries in by_key.items():
        for before, after in pairwise(entries):
            if after.fact.seq <= before.fact.seq:
                yield Violation(
                    "order within a key",
                    before.fact.seq - after.fact.seq,
                    f"key {key}: seq {after.fact.seq} at {after.position} follows seq {before.fact.seq}",
                )


def _transactions_whole(log: Sequence[Logged]) -> Iterable[Violation]:
    ordered = sorted(log, key=lambda entry: entry.position)
    runs: Counter[UUID] = Counter()
    for tx, group in groupby(ordered, lambda entry: entry.fact.tx):
        entries = list(group)
        runs[tx] += 1
        commits = {entry.position.commit_lsn for entry in entries}
        if len(commits) > 1:
            yield Violation("no split transaction", len(commits), f"{tx} has {len(commits)} commits")
        for before, after in pairwise(entries):
            if after.fact.ordinal <= before.fact.ordinal:
                yield Violation(
                    "no split transaction", 1, f"{tx}: entry {after.fact.ordinal} after {before.fact.ordinal}"
                )
    for tx, count in runs.items():
        if count > 1:
            yield Violation("no split transaction", count, f"{tx} stands in {count} separate places")


def _effects_once(ledger: Sequence[Fact], applied: Sequence[Applied]) -> Iterable[Violation]:
    committed = {fact.event: fact for fact in ledger}
    counts = Counter((effect.consumer, effect.event) for effect in applied)
    for consumer in sorted({effect.consumer for effect in applied}):
        for event, fact in committed.items():
            count = counts[consumer, event]
            if count == 0:
                yield Violation("effect lost", 1, f"{consumer}: {event} (key {fact.key}, seq {fact.seq})")
            elif count > 1:
                yield Violation("effect repeated", count, f"{consumer}: {event} applied {count} times")
    for consumer, event in counts:
        if event not in committed:
            yield Violation("effect made up", 1, f"{consumer}: {event}")


def _effects_in_order(applied: Sequence[Applied]) -> Iterable[Violation]:
    last: dict[tuple[str, int], int] = {}
    for effect in applied:
        before = last.get((effect.consumer, effect.key), 0)
        if effect.seq < before:
            yield Violation(
                "effects in order",
                before - effect.seq,
                f"{effect.consumer}, key {effect.key}: seq {effect.seq} after {before}",
            )
        last[effect.consumer, effect.key] = max(before, effect.seq)
