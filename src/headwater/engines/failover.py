"""Checks whether a standby can be promoted: on the primary its physical slot, on the standby its copy of the relay's
slot.

Source: PostgreSQL manual, "Logical Replication Failover" and "Replication Slot Synchronization".
"""

from collections.abc import Iterator

from headwater.engines.facts import Facts, Slot, StandbySlot
from headwater.engines.finding import Finding
from headwater.engines.remedy import literal, quoted, set_parameter
from headwater.settings import Settings


def judge_failover(facts: Facts, settings: Settings) -> Iterator[Finding]:
    """No findings without a standby. All findings are warnings, since the backend runs without a standby."""
    yield from _judge_copy(facts, settings.slot) if facts.in_recovery else _judge_primary(facts, settings.slot)


def _judge_primary(facts: Facts, slot: str) -> Iterator[Finding]:
    if facts.standbys and facts.slot is not None:
        yield Finding(
            ok=facts.slot.failover,
            subject=f"slot {slot} at a failover",
            found="taken over by standbys" if facts.slot.failover else "not taken over by standbys",
            wanted="failover on: without it a promoted standby has no slot, and the log a gap",
            remedy=f"psql 'dbname={facts.database} replication=database' -c "
            f"'ALTER_REPLICATION_SLOT {quoted(slot)} (FAILOVER true)'  -- while the relay is stopped",
            required=False,
        )
    for standby in facts.standbys:
        yield _judge_standby(standby)
    for name in _missing(facts):
        yield Finding(
            ok=False,
            subject=f"synchronized_standby_slots: {name}",
            found="no valid physical slot of that name",
            wanted="physical slots that standbys use: PostgreSQL sends the relay nothing until each has received it",
            remedy=f"SELECT pg_create_physical_replication_slot({literal(name)}, true);  -- or shorten the setting",
            required=False,
        )


def _judge_standby(standby: StandbySlot) -> Finding:
    lag = "nothing received yet" if standby.behind is None else f"{standby.behind:.0f} MB behind"
    use = f"invalidated ({standby.cause})" if standby.cause else "receives" if standby.active else "not connected"
    return Finding(
        ok=standby.active and standby.cause is None,
        subject=f"standby with slot {standby.name}",
        found=f"{use}, {lag}",
        wanted="connected: the relay's slot waits for it, up to half of max_slot_wal_keep_size",
        remedy=f"SELECT pg_drop_replication_slot({literal(standby.name)});  -- if that standby does not come back",
        required=False,
    )


def _missing(facts: Facts) -> list[str]:
    """Slots that PostgreSQL waits for in vain."""
    valid = {standby.name for standby in facts.standbys if standby.cause is None}
    listed = facts.settings["synchronized_standby_slots"].split(",")
    return [name for each in listed if (name := each.strip().strip('"')) and name not in valid]


def _judge_copy(facts: Facts, slot: str) -> Iterator[Finding]:
    for name in ("sync_replication_slots", "hot_standby_feedback"):
        yield Finding(
            ok=facts.settings[name] == "on",
            subject=name,
            found=facts.settings[name],
            wanted=f"on: this standby then has a copy of the slot {slot}",
            remedy=set_parameter(name, "on", hosted=facts.hosted),
            required=False,
        )
    yield Finding(
        ok=bool(facts.settings["primary_slot_name"]),
        subject="primary_slot_name",
        found=facts.settings["primary_slot_name"] or "none",
        wanted="a physical slot of the primary: the relay waits for standbys that have one",
        remedy="SELECT pg_create_physical_replication_slot('NAME', true);  -- on the primary; then, here, "
        "ALTER SYSTEM SET primary_slot_name = 'NAME'; SELECT pg_reload_conf();",
        required=False,
    )
    found, remedy = _copy(facts.slot, slot)
    yield Finding(
        ok=remedy is None,
        subject=f"copy of slot {slot}",
        found=found,
        wanted="synced and not temporary: only then can this standby be promoted without a gap",
        remedy=remedy,
        required=False,
    )


_SNAPSHOT = "SELECT pg_log_standby_snapshot();  -- on the primary, while the relay runs; then check again"


def _copy(copy: Slot | None, name: str) -> tuple[str, str | None]:
    """The finding, and its fix."""
    drop = f"SELECT pg_drop_replication_slot({literal(name)});  -- here; PostgreSQL then copies the primary's"
    if copy is None:
        return "missing", _SNAPSHOT
    if copy.cause is not None:
        return f"invalidated ({copy.cause})", drop if not copy.synced else _SNAPSHOT
    if not copy.synced:
        return "left over from when this server was the primary", drop
    if copy.temporary:
        return "not complete yet", _SNAPSHOT
    return "synced", None
