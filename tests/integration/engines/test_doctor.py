"""The doctor on real servers: what is well, what is ill, and whether its remedies mend."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from headwater.engines import Engines, Finding, examine, examine_postgres, render
from headwater.engines.facts import Facts, read_facts
from headwater.engines.judgement import judge
from headwater.settings import Settings
from tests.integration.engines.harness import durable, execute, fetch, forgetful


@pytest.fixture
def url(engines: Engines, settings: Settings) -> Iterator[str]:
    """A database of the shared cluster, dropped afterwards with whatever slots and roles a test made."""
    asyncio.run(execute(engines.postgres.url, "create database patient", "create role lesser login"))
    yield engines.postgres.url.replace("/headwater?", "/patient?")
    asyncio.run(
        execute(
            engines.postgres.url,
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots",
            "drop database patient with (force)",
            "drop role lesser",
        )
    )


def lacks(url: str, settings: Settings) -> dict[str, Finding]:
    """What is not well, by its subject."""
    return {finding.subject: finding for finding in asyncio.run(examine(url, settings)) if not finding.ok}


def one(url: str, settings: Settings, subject: str) -> Finding:
    return next(each for each in asyncio.run(examine_postgres(url, settings)) if each.subject == subject)


def mend(url: str, *findings: Finding) -> None:
    for finding in findings:
        assert finding.remedy is not None
        asyncio.run(execute(url, *(part for part in finding.remedy.partition("--")[0].split(";") if part.strip())))


def test_a_fresh_embedded_postgres_lacks_nothing(engines: Engines, settings: Settings) -> None:
    assert lacks(engines.postgres.url, settings) == {}


def test_wrong_settings_are_each_found_and_their_remedies_mend_all_of_them(home: Path) -> None:
    """Those that Headwater itself puts on the command line are left out: ALTER SYSTEM does not reach them."""
    settings = Settings(home=home)
    wrong = {
        "max_replication_slots": "0",
        "max_wal_senders": "0",
        "max_slot_wal_keep_size": "-1",
        "wal_sender_timeout": "0",
        "idle_replication_slot_timeout": "60",
        "max_connections": "30",
    }
    engine = durable(home / "postgres", **wrong)
    asyncio.run(engine.start())
    found = lacks(engine.url, settings)
    assert found.keys() == wrong.keys()
    mend(engine.url, *found.values())
    asyncio.run(engine.stop())
    asyncio.run(engine.start())
    assert lacks(engine.url, settings) == {}
    asyncio.run(engine.stop())


def test_a_server_without_logical_wal_or_durability_is_found(folder: Path) -> None:
    engine = forgetful(folder, wal_level="replica", max_slot_wal_keep_size="8GB")
    asyncio.run(engine.start())
    found = lacks(engine.url, Settings(home=folder))
    asyncio.run(engine.stop())
    assert found.keys() == {"wal_level", "fsync", "full_page_writes", "synchronous_commit"}
    assert found["wal_level"].remedy == "ALTER SYSTEM SET wal_level = 'logical';  -- then restart PostgreSQL"


def test_a_role_without_rights_is_told_what_it_lacks_and_the_remedies_grant_it(url: str, settings: Settings) -> None:
    as_lesser = url.replace("headwater@", "lesser@")
    found = lacks(as_lesser, settings)
    assert found.keys() == {
        "role lesser may replicate",
        "role lesser may create schemas",
        "role lesser may create a publication",
        "old transactions",
    }
    mend(url, *found.values())
    assert lacks(as_lesser, settings) == {}


def test_a_role_that_may_not_even_enter_the_schemas_is_told_about_their_tables(url: str, settings: Settings) -> None:
    asyncio.run(
        execute(
            url,
            "create schema headwater",
            "create table headwater.log (slot text)",
            "create schema shop",
            "create table shop.cart (id int)",
            "create publication headwater for table shop.cart",
        )
    )
    found = lacks(url.replace("headwater@", "lesser@"), settings)
    assert "replica identity of shop.cart" in found
    assert "role lesser may replicate" in found


def test_published_tables_without_identity_are_named_and_their_remedies_let_them_be_updated(
    url: str, settings: Settings
) -> None:
    asyncio.run(
        execute(
            url,
            "create table keyed (id int primary key)",
            'create table "Bare" (id int)',
            "create table indexed (id int not null unique, name text)",
            "create table nullable (id int unique)",
            "insert into indexed values (1), (2)",
            'insert into "Bare" values (1)',
            'create publication headwater for table keyed, "Bare", indexed, nullable',
        )
    )
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        asyncio.run(execute(url, "update indexed set name = 'n'"))
    found = lacks(url, settings)
    remedies = {finding.remedy for finding in found.values()}
    assert remedies == {
        'ALTER TABLE public."Bare" REPLICA IDENTITY FULL;',
        "ALTER TABLE public.indexed REPLICA IDENTITY USING INDEX indexed_id_key;",
        "ALTER TABLE public.nullable REPLICA IDENTITY FULL;",
    }
    mend(url, *found.values())
    asyncio.run(execute(url, "update indexed set name = 'n'", 'delete from "Bare"', "delete from nullable"))
    assert one(url, settings, "replica identity").ok


class TestSlots:
    def test_a_missing_slot_is_well_before_the_first_start(self, url: str, settings: Settings) -> None:
        assert one(url, settings, "slot headwater").found == "not created yet"

    def test_a_missing_slot_is_a_loss_once_there_is_a_log(self, url: str, settings: Settings) -> None:
        asyncio.run(execute(url, "create schema headwater", "create table headwater.log (slot text)"))
        assert one(url, settings, "slot headwater").ok
        asyncio.run(execute(url, "insert into headwater.log values ('headwater')"))
        assert one(url, settings, "slot headwater").remedy == "headwater log reconcile"

    def test_a_valid_slot_is_well(self, url: str, settings: Settings) -> None:
        asyncio.run(execute(url, "select pg_create_logical_replication_slot('headwater', 'pgoutput')"))
        found = one(url, settings, "slot headwater")
        assert (found.ok, found.found) == (True, "reserved, inactive")
        assert one(url, settings, "WAL held for the relay").ok

    def test_a_slot_of_another_database_or_plugin_is_somebody_elses(self, url: str, settings: Settings) -> None:
        asyncio.run(execute(url, "select pg_create_logical_replication_slot('headwater', 'test_decoding')"))
        assert one(url, settings, "slot headwater").found == "plugin test_decoding"
        elsewhere = url.replace("/patient?", "/headwater?")
        asyncio.run(
            execute(
                elsewhere,
                "select pg_drop_replication_slot('headwater')",
                "select pg_create_logical_replication_slot('headwater', 'pgoutput')",
            )
        )
        assert one(url, settings, "slot headwater").found == "database headwater"

    def test_a_slot_whose_wal_is_gone_is_lost_with_its_cause(self, folder: Path) -> None:
        engine = forgetful(folder, max_slot_wal_keep_size="1MB", min_wal_size="32MB", max_wal_size="32MB")
        asyncio.run(engine.start())
        switch = ("select pg_switch_wal()", "insert into kept values ('more')")
        asyncio.run(
            execute(
                engine.url,
                "select pg_create_logical_replication_slot('headwater', 'pgoutput')",
                *switch * 4,
                "checkpoint",
            )
        )
        found = one(engine.url, Settings(home=folder), "slot headwater")
        asyncio.run(engine.stop())
        assert (found.ok, found.found) == (False, "lost (wal_removed), inactive")
        assert found.remedy == "headwater log reconcile"


def test_old_transactions_and_prepared_ones_are_named_and_their_remedies_end_them(home: Path) -> None:
    async def facts(engine: Any) -> Facts:
        connection = await asyncpg.connect(engine.url)
        try:
            return await read_facts(connection, engine.url, Settings(home=home), idle_bound=0, busy_bound=0)
        finally:
            await connection.close()

    async def main() -> None:
        engine = durable(home / "postgres", max_prepared_transactions="2", max_slot_wal_keep_size="4GB")
        await engine.start()
        await execute(engine.url, "begin; create table t (); prepare transaction 'it''s old'")
        idle = await asyncpg.connect(engine.url, server_settings={"application_name": "psql"})
        await idle.execute("begin")
        pid = idle.get_server_pid()
        found = [each for each in judge(await facts(engine), Settings(home=home)) if not each.ok]
        assert [each.subject for each in found] == [f"transaction of process {pid}", "prepared transaction it's old"]
        assert found[0].found.startswith("idle in transaction for 0 s (role headwater, application 'psql')")
        for finding in found:
            await execute(engine.url, (finding.remedy or "").partition("--")[0])
        while await fetch(engine.url, f"select exists (select from pg_stat_activity where pid = {pid})"):
            pass
        assert [each for each in judge(await facts(engine), Settings(home=home)) if not each.ok] == []
        idle.terminate()
        await engine.stop()

    asyncio.run(main())


def test_another_encoding_is_found(engines: Engines, settings: Settings) -> None:
    latin = "create database latin encoding 'LATIN1' locale 'C' locale_provider libc template template0"
    asyncio.run(execute(engines.postgres.url, latin))
    found = lacks(engines.postgres.url.replace("/headwater?", "/latin?"), settings)
    asyncio.run(execute(engines.postgres.url, "drop database latin"))
    assert found.keys() == {"encoding"}


class TestUnreachable:
    def test_a_missing_database_is_to_be_created(self, engines: Engines, settings: Settings) -> None:
        found = asyncio.run(examine(engines.postgres.url.replace("/headwater?", "/absent?"), settings))
        assert [(each.ok, each.found) for each in found] == [(False, 'database "absent" does not exist')]
        assert (found[0].remedy or "") == "CREATE DATABASE \"absent\" ENCODING 'UTF8' TEMPLATE template0;"

    def test_a_role_that_pg_hba_conf_does_not_let_in_gets_the_line_for_it(self, folder: Path) -> None:
        engine = forgetful(folder)
        asyncio.run(engine.start())
        hba = folder / "data" / "pg_hba.conf"
        hba.write_text("local all nobody trust\n")
        asyncio.run(execute(engine.url, "select pg_reload_conf()"))
        while asyncio.run(examine_postgres(engine.url, Settings(home=folder)))[0].ok:
            pass
        [found] = asyncio.run(examine_postgres(engine.url, Settings(home=folder)))
        asyncio.run(engine.stop())
        assert found.found.startswith("no pg_hba.conf entry")
        assert found.remedy == (
            "host  headwater  headwater  samenet  scram-sha-256  # in pg_hba.conf; then SELECT pg_reload_conf();"
        )

    def test_neither_answers_and_no_password_is_shown(self, home: Path) -> None:
        settings = Settings(home=home, valkey_url=f"unix://:sesame@{home}/valkey.sock")
        lines = render(asyncio.run(examine(f"postgresql://u:sesame@/d?host={home}", settings)))
        assert [line for line in lines if line.startswith("FAILED")] == [
            f"FAILED  PostgreSQL at {home}: No such file or directory",
            f"FAILED  Valkey at {home}/valkey.sock: "
            f"Error 2 connecting to {home}/valkey.sock. No such file or directory.",
        ]
        assert "sesame" not in "\n".join(lines)
