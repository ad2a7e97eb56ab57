"""The doctor's checks: one function per question, each judging facts that were read before, without I/O."""

from collections.abc import Callable, Iterator

import msgspec

from headwater.engines.configuration import connections_needed
from headwater.engines.facts import OLDEST_VERSION, Facts, Slot
from headwater.engines.failover import judge_failover
from headwater.engines.finding import Finding
from headwater.engines.remedy import literal, quoted, set_parameter
from headwater.settings import Settings

IDLE_BOUND_SECONDS = 300.0
BUSY_BOUND_SECONDS = 3600.0
CLOCK_BOUND_SECONDS = 1.0
SENDER_TIMEOUT_MS = (5_000, 300_000)
SLOT_TIMEOUT_SECONDS = 86_400
WARNING_SHARE = 0.5
"""Share of the WAL budget above which the held WAL is reported."""


def judge(facts: Facts, settings: Settings) -> list[Finding]:
    """Every finding; those that passed have no remedy."""
    found = (finding for check in CHECKS for finding in check(facts, settings))
    return [msgspec.structs.replace(finding, remedy=None) if finding.ok else finding for finding in found]


def judge_version(version: int) -> Finding:
    """18 is the first with functions that the log and its consumers use: crc32, min and max of bytea."""
    return Finding(
        ok=version >= OLDEST_VERSION,
        subject="version",
        found=_shown_version(version),
        wanted="18 or later",
        remedy=None
        if version >= OLDEST_VERSION
        else "Upgrade to PostgreSQL 18 or later with pg_upgrade, or with a dump and restore",
    )


def judge_primary(facts: Facts, settings: Settings) -> Iterator[Finding]:
    yield Finding(
        ok=not facts.in_recovery and facts.settings["default_transaction_read_only"] == "off",
        subject="accepts writes",
        found="a standby" if facts.in_recovery else "yes" if _is_off(facts, "default_transaction_read_only") else "no",
        wanted="the primary, with default_transaction_read_only off",
        remedy="Set HEADWATER_POSTGRES_URL to the primary"
        if facts.in_recovery
        else f"ALTER DATABASE {quoted(facts.database)} SET default_transaction_read_only = off;",
    )


def judge_encoding(facts: Facts, settings: Settings) -> Iterator[Finding]:
    yield Finding(
        ok=facts.encoding == "UTF8",
        subject="encoding",
        found=facts.encoding,
        wanted="UTF8",
        remedy=f"CREATE DATABASE {quoted(facts.database + '_utf8')} ENCODING 'UTF8' TEMPLATE template0;"
        "  -- and move the data there",
    )


def judge_wal_level(facts: Facts, settings: Settings) -> Iterator[Finding]:
    found = facts.settings["wal_level"]
    yield Finding(
        ok=found == "logical",
        subject="wal_level",
        found=found,
        wanted="logical",
        remedy=_setting(facts, "wal_level", "logical", restart=True),
    )


def judge_slots(facts: Facts, settings: Settings) -> Iterator[Finding]:
    yield _judge_room(
        facts, "max_replication_slots", used=facts.slots, ours=facts.slot is not None, what="replication slots"
    )


def judge_senders(facts: Facts, settings: Settings) -> Iterator[Finding]:
    ours = facts.slot is not None and facts.slot.active
    yield _judge_room(facts, "max_wal_senders", used=facts.senders, ours=ours, what="WAL senders")


def judge_role(facts: Facts, settings: Settings) -> Iterator[Finding]:
    role, name = facts.role, quoted(facts.role.name)
    yield Finding(
        ok=role.replication,
        subject=f"role {role.name} may replicate",
        found="yes" if role.replication else "no",
        wanted="REPLICATION",
        remedy=f"GRANT rds_replication TO {name};  -- on Amazon RDS; elsewhere ALTER ROLE {name} REPLICATION;"
        if facts.hosted
        else f"ALTER ROLE {name} REPLICATION;",
    )
    yield Finding(
        ok=role.can_create,
        subject=f"role {role.name} may create schemas",
        found="yes" if role.can_create else "no",
        wanted=f"CREATE on database {facts.database}",
        remedy=f"GRANT CREATE ON DATABASE {quoted(facts.database)} TO {name};",
    )


def judge_replication_connection(facts: Facts, settings: Settings) -> Iterator[Finding]:
    if facts.role.replication and facts.senders < int(facts.settings["max_wal_senders"]):
        yield Finding(
            ok=facts.replication_refusal is None,
            subject="replication connection",
            found=facts.replication_refusal or "granted",
            wanted="granted by PostgreSQL directly: most poolers do not support it",
            remedy="Set HEADWATER_POSTGRES_URL to PostgreSQL itself, not to a pooler",
        )


def judge_publication(facts: Facts, settings: Settings) -> Iterator[Finding]:
    if not facts.publication_exists:
        yield Finding(
            ok=facts.publication_refusal is None,
            subject=f"role {facts.role.name} may create a publication",
            found=facts.publication_refusal or "yes",
            wanted="yes",
            remedy=f"GRANT CREATE ON DATABASE {quoted(facts.database)} TO {quoted(facts.role.name)};",
        )


def judge_identities(facts: Facts, settings: Settings) -> Iterator[Finding]:
    if facts.publication_exists and not facts.unidentified:
        yield Finding(
            ok=True,
            subject="replica identity",
            found="every published table has one",
            wanted="a primary key or a replica identity; without one, updates and deletes are rejected",
        )
    for table in facts.unidentified:
        yield Finding(
            ok=False,
            subject=f"replica identity of {table.table}",
            found=f"none: {table.reason}",
            wanted="a primary key or a replica identity; without one, updates and deletes are rejected",
            remedy=table.remedy,
        )


def judge_wal_bound(facts: Facts, settings: Settings) -> Iterator[Finding]:
    found, budget = int(facts.settings["max_slot_wal_keep_size"]), settings.wal_budget_mb
    yield Finding(
        ok=found >= budget,
        subject="max_slot_wal_keep_size",
        found="unlimited" if found < 0 else f"{found} MB",
        wanted=f"a limit of at least the WAL budget, {budget} MB; without a limit, a relay that is down fills the disk",
        remedy=_setting(facts, "max_slot_wal_keep_size", f"{budget}MB"),
    )


def judge_sender_timeout(facts: Facts, settings: Settings) -> Iterator[Finding]:
    found = int(facts.settings["wal_sender_timeout"])
    yield Finding(
        ok=SENDER_TIMEOUT_MS[0] <= found <= SENDER_TIMEOUT_MS[1],
        subject="wal_sender_timeout",
        found=f"{found / 1000:g} s" if found else "off",
        wanted="5 s to 5 min, so that the slot of a dead host is freed, and a busy relay keeps its slot",
        remedy=_setting(facts, "wal_sender_timeout", "60s"),
        required=False,
    )


def judge_slot_timeout(facts: Facts, settings: Settings) -> Iterator[Finding]:
    """PostgreSQL 18 and later can invalidate a slot that is not being read."""
    found = int(facts.settings.get("idle_replication_slot_timeout", 0))
    yield Finding(
        ok=found == 0 or found >= SLOT_TIMEOUT_SECONDS,
        subject="idle_replication_slot_timeout",
        found=f"{found} s" if found else "off",
        wanted="off, or at least a day; a backend that is stopped for longer loses its slot",
        remedy=_setting(facts, "idle_replication_slot_timeout", "0"),
        required=False,
    )


def judge_slot(facts: Facts, settings: Settings) -> Iterator[Finding]:
    if facts.in_recovery:
        return
    subject = f"slot {settings.slot}"
    if facts.slot is None:
        yield Finding(
            ok=not facts.log_begun,
            subject=subject,
            found="missing, although a log was read from it" if facts.log_begun else "not created yet",
            wanted="a valid slot, once the relay has started",
            remedy="headwater log reconcile" if facts.log_begun else None,
        )
        return
    valid = facts.slot.wal_status in ("reserved", "extended")
    foreign = _foreign_trait(facts.slot, facts.database)
    status = f"{facts.slot.wal_status}" + (f" ({facts.slot.cause})" if facts.slot.cause else "")
    yield Finding(
        ok=valid and foreign is None,
        subject=subject,
        found=foreign or f"{status}, {'active' if facts.slot.active else 'inactive'}",
        wanted=f"reserved or extended, plugin pgoutput, database {facts.database}, two_phase off",
        remedy=f"HEADWATER_SLOT={settings.slot}_log" if foreign else "headwater log reconcile",
    )


def judge_held_wal(facts: Facts, settings: Settings) -> Iterator[Finding]:
    if facts.slot is None or facts.slot.held is None:
        return
    held, left, budget = facts.slot.held, facts.slot.left, settings.wal_budget_mb
    yield Finding(
        ok=held <= budget * WARNING_SHARE,
        subject="WAL held for the relay",
        found=f"{held:.0f} MB" + ("" if left is None else f", {left:.0f} MB before the slot is lost"),
        wanted=f"less than half of the budget of {budget} MB",
        remedy="headwater log status  -- shows whether the relay is behind; start the backend if it does not run",
        required=held > budget,
    )


def judge_transactions(facts: Facts, settings: Settings) -> Iterator[Finding]:
    if not facts.role.sees_activity:
        yield Finding(
            ok=False,
            subject="old transactions",
            found=f"hidden from role {facts.role.name}",
            wanted="visible",
            remedy=f"GRANT pg_read_all_stats TO {quoted(facts.role.name)};",
            required=False,
        )
    elif not facts.transactions:
        yield Finding(ok=True, subject="old transactions", found="none", wanted="none; each holds back WAL and vacuum")
    for each in facts.transactions:
        yield Finding(
            ok=False,
            subject=f"transaction of process {each.pid}",
            found=f"{each.state} for {_shown_age(each.age)} (role {each.role}, application {each.application!r})",
            wanted=f"idle for less than {_shown_age(IDLE_BOUND_SECONDS)}, active for less than "
            f"{_shown_age(BUSY_BOUND_SECONDS)}; it holds back WAL and vacuum",
            remedy=f"SELECT pg_terminate_backend({each.pid});",
            required=False,
        )


def judge_prepared(facts: Facts, settings: Settings) -> Iterator[Finding]:
    for each in facts.prepared:
        yield Finding(
            ok=False,
            subject=f"prepared transaction {each.gid}",
            found=f"prepared {_shown_age(each.age)} ago in database {each.database}",
            wanted=f"committed or rolled back within {_shown_age(IDLE_BOUND_SECONDS)}; it holds back WAL and vacuum",
            remedy=f"ROLLBACK PREPARED {literal(each.gid)};  -- in database {each.database}; or COMMIT PREPARED",
            required=False,
        )


def judge_connections(facts: Facts, settings: Settings) -> Iterator[Finding]:
    needed = connections_needed(settings)
    reserved = int(facts.settings["superuser_reserved_connections"]) + int(facts.settings["reserved_connections"])
    free = int(facts.settings["max_connections"]) - reserved
    yield Finding(
        ok=free >= needed,
        subject="max_connections",
        found=f"{facts.settings['max_connections']}, {reserved} of them reserved",
        wanted=f"{needed + reserved} for {settings.web} web and {settings.consumers} consumer workers",
        remedy=_setting(facts, "max_connections", str(needed + reserved), restart=True),
    )
    limits = {"ROLE": (facts.role.name, facts.role.connection_limit)}
    limits["DATABASE"] = (facts.database, facts.database_connection_limit)
    for kind, (name, limit) in limits.items():
        if limit >= 0:
            yield Finding(
                ok=limit >= needed,
                subject=f"connection limit of {kind.lower()} {name}",
                found=str(limit),
                wanted=str(needed),
                remedy=f"ALTER {kind} {quoted(name)} CONNECTION LIMIT {needed};",
            )


def judge_durability(facts: Facts, settings: Settings) -> Iterator[Finding]:
    for name, price in (
        ("fsync", "a crash of the machine corrupts the database"),
        ("full_page_writes", "a crash of the machine corrupts the database"),
        ("synchronous_commit", "a crash loses commands whose responses were sent"),
    ):
        yield Finding(
            ok=not _is_off(facts, name),
            subject=name,
            found=facts.settings[name],
            wanted=f"on; without it, {price}",
            remedy=_setting(facts, name, "on"),
        )


def judge_clock(facts: Facts, settings: Settings) -> Iterator[Finding]:
    apart = abs(facts.clock_ahead)
    yield Finding(
        ok=apart - facts.clock_doubt <= CLOCK_BOUND_SECONDS,
        subject="clock",
        found=f"the server's is {apart:.3f} s {'behind' if facts.clock_ahead > 0 else 'ahead of'} ours"
        f" (± {facts.clock_doubt:.3f} s)",
        wanted=f"within {CLOCK_BOUND_SECONDS:g} s; retention and the age of idempotency keys depend on it",
        remedy="timedatectl set-ntp true  -- on both machines",
        required=False,
    )


Check = Callable[[Facts, Settings], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    judge_primary,
    judge_encoding,
    judge_durability,
    judge_wal_level,
    judge_slots,
    judge_senders,
    judge_role,
    judge_replication_connection,
    judge_publication,
    judge_identities,
    judge_wal_bound,
    judge_sender_timeout,
    judge_slot_timeout,
    judge_slot,
    judge_held_wal,
    judge_failover,
    judge_transactions,
    judge_prepared,
    judge_connections,
    judge_clock,
)


def _judge_room(facts: Facts, name: str, *, used: int, ours: bool, what: str) -> Finding:
    limit = int(facts.settings[name])
    return Finding(
        ok=ours or used < limit,
        subject=name,
        found=f"{limit}, {used} in use" + (", one of them ours" if ours else ""),
        wanted=f"at least one of the {what} free",
        remedy=_setting(facts, name, str(max(used + 1, 10)), restart=True),
    )


def _foreign_trait(slot: Slot, database: str) -> str | None:
    """What shows that the slot was created for another purpose."""
    if slot.plugin != "pgoutput":
        return f"plugin {slot.plugin}"
    if slot.database != database:
        return f"database {slot.database}"
    if slot.two_phase:
        return "two_phase on, which delivers transactions before they commit"
    return None


def _setting(facts: Facts, name: str, value: str, *, restart: bool = False) -> str:
    return set_parameter(name, value, hosted=facts.hosted, restart=restart)


def _is_off(facts: Facts, name: str) -> bool:
    return facts.settings[name] == "off"


def _shown_version(version: int) -> str:
    return f"{version // 10000}.{version % 10000}"


def _shown_age(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
