"""What the doctor makes of facts: each fault alone, on a PostgreSQL that is otherwise well."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from headwater.engines import Finding, render
from headwater.engines.facts import Facts, OldTransaction, Role, Slot, StandbySlot
from headwater.engines.identity import UnidentifiedTable
from headwater.engines.judgement import judge, judge_version
from headwater.settings import Settings

SETTINGS = Settings(home=Path("/home"), web=2, consumers=1, wal_budget_mb=4096)

SLOT = Slot(
    plugin="pgoutput",
    database="shop",
    active=True,
    wal_status="reserved",
    cause=None,
    held=16.0,
    left=4000.0,
    two_phase=False,
    failover=True,
    synced=False,
    temporary=False,
)

WELL = Facts(
    version=180006,
    settings={
        "wal_level": "logical",
        "max_replication_slots": "10",
        "max_wal_senders": "10",
        "max_slot_wal_keep_size": "4096",
        "wal_sender_timeout": "60000",
        "idle_replication_slot_timeout": "0",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "default_transaction_read_only": "off",
        "max_connections": "100",
        "superuser_reserved_connections": "3",
        "reserved_connections": "0",
        "sync_replication_slots": "off",
        "hot_standby_feedback": "off",
        "primary_slot_name": "",
        "synchronized_standby_slots": "",
    },
    database="shop",
    encoding="UTF8",
    database_connection_limit=-1,
    in_recovery=False,
    hosted=False,
    role=Role(
        name="clerk", superuser=False, replication=True, can_create=True, sees_activity=True, connection_limit=-1
    ),
    slots=1,
    senders=1,
    slot=SLOT,
    standbys=[],
    log_begun=True,
    publication_exists=True,
    publication_refusal=None,
    replication_refusal=None,
    unidentified=[],
    transactions=[],
    prepared=[],
    clock_ahead=0.0,
    clock_doubt=0.001,
)


def facts(**changed: Any) -> Facts:
    settings = {**WELL.settings, **{name: value for name, value in changed.items() if name in WELL.settings}}
    fields = {name: value for name, value in changed.items() if name not in WELL.settings}
    return msgspec.structs.replace(WELL, settings=settings, **fields)


def slot(**changed: object) -> Facts:
    return facts(slot=msgspec.structs.replace(SLOT, **changed))


def standby(**changed: Any) -> Facts:
    """A standby that could be promoted; `changed` are traits of its copy of the slot, and settings."""
    settings = {"sync_replication_slots": "on", "hot_standby_feedback": "on", "primary_slot_name": "second"}
    settings |= {name: changed.pop(name) for name in settings.keys() & changed.keys()}
    copy = msgspec.structs.replace(SLOT, **{"active": False, "synced": True, **changed})
    return facts(in_recovery=True, slot=copy, **settings)


SECOND = StandbySlot(name="second", active=True, cause=None, behind=0.0)


def with_standby(**changed: object) -> Facts:
    return facts(standbys=[msgspec.structs.replace(SECOND, **changed)])


def role(**changed: object) -> Facts:
    return facts(role=msgspec.structs.replace(WELL.role, **changed))


def ill(given: Facts, settings: Settings = SETTINGS) -> list[Finding]:
    return [finding for finding in judge(given, settings) if not finding.ok]


def test_a_postgresql_that_is_well_lacks_nothing_and_gets_no_remedies() -> None:
    findings = judge(WELL, SETTINGS)
    assert [each for each in findings if not each.ok or each.remedy] == []


@pytest.mark.parametrize(
    ("given", "subject", "remedy"),
    [
        (
            facts(wal_level="replica"),
            "wal_level",
            "ALTER SYSTEM SET wal_level = 'logical';  -- then restart PostgreSQL",
        ),
        (facts(fsync="off"), "fsync", "ALTER SYSTEM SET fsync = 'on'; SELECT pg_reload_conf();"),
        (standby(), "accepts writes", "Set HEADWATER_POSTGRES_URL to the primary"),
        (
            facts(default_transaction_read_only="on"),
            "accepts writes",
            'ALTER DATABASE "shop" SET default_transaction_read_only = off;',
        ),
        (
            facts(slot=None, log_begun=False, slots=10),
            "max_replication_slots",
            "ALTER SYSTEM SET max_replication_slots = '11';  -- then restart PostgreSQL",
        ),
        (
            facts(slot=None, log_begun=False, senders=10),
            "max_wal_senders",
            "ALTER SYSTEM SET max_wal_senders = '11';  -- then restart PostgreSQL",
        ),
        (role(replication=False), "role clerk may replicate", 'ALTER ROLE "clerk" REPLICATION;'),
        (role(can_create=False), "role clerk may create schemas", 'GRANT CREATE ON DATABASE "shop" TO "clerk";'),
        (
            facts(replication_refusal="FATAL: unsupported startup parameter: replication"),
            "replication connection",
            "Set HEADWATER_POSTGRES_URL to PostgreSQL itself, not to a pooler",
        ),
        (
            facts(max_slot_wal_keep_size="-1"),
            "max_slot_wal_keep_size",
            "ALTER SYSTEM SET max_slot_wal_keep_size = '4096MB'; SELECT pg_reload_conf();",
        ),
        (
            facts(max_slot_wal_keep_size="4095"),
            "max_slot_wal_keep_size",
            "ALTER SYSTEM SET max_slot_wal_keep_size = '4096MB'; SELECT pg_reload_conf();",
        ),
        (facts(slot=None), "slot headwater", "headwater log reconcile"),
        (slot(wal_status="lost", cause="wal_removed"), "slot headwater", "headwater log reconcile"),
        (slot(wal_status="unreserved"), "slot headwater", "headwater log reconcile"),
        (slot(two_phase=True), "slot headwater", "HEADWATER_SLOT=headwater_log"),
        (
            facts(max_connections="50"),
            "max_connections",
            "ALTER SYSTEM SET max_connections = '68';  -- then restart PostgreSQL",
        ),
        (role(connection_limit=10), "connection limit of role clerk", 'ALTER ROLE "clerk" CONNECTION LIMIT 65;'),
        (
            facts(database_connection_limit=10),
            "connection limit of database shop",
            'ALTER DATABASE "shop" CONNECTION LIMIT 65;',
        ),
        (
            facts(unidentified=[UnidentifiedTable(table="shop.cart", reason="it has no primary key", index=None)]),
            "replica identity of shop.cart",
            "ALTER TABLE shop.cart REPLICA IDENTITY FULL;",
        ),
    ],
)
def test_what_headwater_cannot_do_without_is_required_and_has_its_remedy(
    given: Facts, subject: str, remedy: str
) -> None:
    [finding] = ill(given)
    assert (finding.subject, finding.remedy, finding.required) == (subject, remedy, True)


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        (facts(wal_sender_timeout="0"), "wal_sender_timeout"),
        (facts(wal_sender_timeout="1000"), "wal_sender_timeout"),
        (facts(idle_replication_slot_timeout="3600"), "idle_replication_slot_timeout"),
        (slot(held=2049.0), "WAL held for the relay"),
        (role(sees_activity=False), "old transactions"),
        (
            facts(transactions=[OldTransaction(pid=7, role="r", application="psql", state="active", age=9000.0)]),
            "transaction of process 7",
        ),
        (facts(clock_ahead=-1.5), "clock"),
    ],
)
def test_what_it_runs_without_is_a_warning(given: Facts, subject: str) -> None:
    [finding] = ill(given)
    assert (finding.subject, finding.required) == (subject, False)
    assert finding.remedy


def test_a_standby_that_receives_and_copies_the_slot_is_well() -> None:
    assert ill(with_standby()) == []
    assert [each.subject for each in ill(standby())] == ["accepts writes"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (with_standby(active=False, behind=7.4), "not connected, 7 MB behind"),
        (with_standby(active=False, behind=None), "not connected, nothing received yet"),
        (
            with_standby(active=False, cause="wal_removed", behind=None),
            "invalidated (wal_removed), nothing received yet",
        ),
    ],
)
def test_a_standby_that_is_away_is_named_with_the_slot_that_waits_for_it(given: Facts, found: str) -> None:
    [finding] = ill(given)
    assert (finding.subject, finding.found, finding.required) == ("standby with slot second", found, False)
    assert (finding.remedy or "").startswith("SELECT pg_drop_replication_slot('second');")


def test_a_slot_that_standbys_do_not_copy_matters_where_there_is_a_standby() -> None:
    assert ill(slot(failover=False)) == []
    [finding] = ill(msgspec.structs.replace(slot(failover=False), standbys=[SECOND]))
    assert finding.subject == "slot headwater at a failover"
    assert 'ALTER_REPLICATION_SLOT "headwater" (FAILOVER true)' in (finding.remedy or "")


def test_a_standby_that_postgresql_waits_for_in_vain_is_named() -> None:
    given = msgspec.structs.replace(facts(synchronized_standby_slots='second, "Third"'), standbys=[SECOND])
    assert [each.subject for each in ill(given)] == ["synchronized_standby_slots: Third"]


@pytest.mark.parametrize(
    ("changed", "subject", "remedy"),
    [
        ({"temporary": True}, "copy of slot headwater", "SELECT pg_log_standby_snapshot();"),
        ({"cause": "rows_removed"}, "copy of slot headwater", "SELECT pg_log_standby_snapshot();"),
        ({"synced": False}, "copy of slot headwater", "SELECT pg_drop_replication_slot('headwater');"),
        (
            {"sync_replication_slots": "off"},
            "sync_replication_slots",
            "ALTER SYSTEM SET sync_replication_slots = 'on'; SELECT pg_reload_conf();",
        ),
        (
            {"hot_standby_feedback": "off"},
            "hot_standby_feedback",
            "ALTER SYSTEM SET hot_standby_feedback = 'on'; SELECT pg_reload_conf();",
        ),
        ({"primary_slot_name": ""}, "primary_slot_name", "SELECT pg_create_physical_replication_slot('NAME', true);"),
    ],
)
def test_a_standby_that_cannot_take_over_says_what_it_lacks(
    changed: dict[str, object], subject: str, remedy: str
) -> None:
    [_, finding] = ill(standby(**changed))
    assert (finding.subject, finding.required) == (subject, False)
    assert (finding.remedy or "").startswith(remedy)


def test_a_standby_without_a_copy_is_told_to_wait_for_one() -> None:
    given = msgspec.structs.replace(standby(), slot=None)
    assert [(each.subject, each.found) for each in ill(given)][1:] == [("copy of slot headwater", "missing")]


def test_wal_beyond_the_whole_budget_is_no_longer_a_mere_warning() -> None:
    assert [finding.required for finding in ill(slot(held=4097.0))] == [True]


def test_a_clock_that_may_only_seem_wrong_is_well() -> None:
    assert ill(facts(clock_ahead=1.5, clock_doubt=0.6)) == []


def test_a_server_without_free_senders_is_not_also_blamed_for_refusing_replication() -> None:
    found = ill(facts(slot=None, log_begun=False, senders=10, replication_refusal="all senders are in use"))
    assert [each.subject for each in found] == ["max_wal_senders"]


def test_more_workers_want_more_connections() -> None:
    assert ill(WELL, msgspec.structs.replace(SETTINGS, web=8))[0].wanted == "194 for 8 web and 1 consumer workers"


def test_before_postgresql_18_idle_slots_have_no_timeout() -> None:
    settings = {name: value for name, value in WELL.settings.items() if name != "idle_replication_slot_timeout"}
    assert ill(msgspec.structs.replace(WELL, settings=settings, version=170002)) == []


def test_a_hosted_server_is_changed_in_its_console_and_not_by_alter_system() -> None:
    remedies = [
        each.remedy for each in ill(facts(hosted=True, wal_level="replica", max_slot_wal_keep_size="-1"), SETTINGS)
    ]
    assert remedies == [
        "wal_level (rds.logical_replication = 1, cloudsql.logical_decoding = on) = logical"
        "  -- in the parameters of your service; then restart it",
        "max_slot_wal_keep_size = 4096MB  -- in the parameters of your service",
    ]


@pytest.mark.parametrize(("version", "ok"), [(150012, False), (170009, False), (180000, True), (180006, True)])
def test_postgresql_16_is_the_oldest_that_will_do(version: int, ok: bool) -> None:
    assert judge_version(version).ok is ok


def test_lines_say_what_passed_and_what_fixes_the_rest() -> None:
    findings = [
        Finding(ok=True, subject="encoding", found="UTF8", wanted="UTF8"),
        Finding(ok=False, subject="fsync", found="off", wanted="on", remedy="ALTER …;"),
        Finding(ok=False, subject="clock", found="late", wanted="right", required=False),
    ]
    assert render(findings) == [
        "ok      encoding: UTF8",
        "FAILED  fsync: off",
        "        needed: on",
        "        fix:    ALTER …;",
        "warning clock: late",
        "        needed: right",
    ]
