"""Migrations against a real PostgreSQL: applied once, whole, in order, and never against an edited past."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest

from headwater.db import Source, migrate, pending, platform_source
from headwater.db.define import Defined
from headwater.db.migration import (
    Applied,
    ContractedPast,
    EditedFile,
    EndsTransaction,
    LateFile,
    MigrationBlocked,
    MissingFile,
    RenamedFile,
)
from headwater.db.source import BadFileName, DuplicateNumber, MissingFolder
from headwater.db.sqlfile import MigrationFailed
from headwater.engines.identity import NoReplicaIdentity
from tests.integration.db.servers import BLOCKED, connected, execute, value, wait_for_row

TABLE = "create table product (id int primary key, name text not null);"


@pytest.fixture
def shop(tmp_path: Path) -> Source:
    return Source("shop", "shop", tmp_path)


def write(source: Source, **files: str) -> None:
    """Files by name: ``n0001_table_expand`` is 0001_table.expand.sql."""
    for name, sql in files.items():
        stem, _, phase = name.removeprefix("n").rpartition("_")
        (source.folder / f"{stem}.{phase}.sql").write_text(sql)


def migrations(done: Sequence[Applied | Defined]) -> list[Applied]:
    """What was applied, of sources that have no stored functions."""
    found = [each for each in done if isinstance(each, Applied)]
    assert found == done
    return found


async def applied(url: str) -> list[str]:
    async with connected(url) as connection:
        rows = await connection.fetch("select * from headwater.migration where app = 'shop' order by applied_at")
    return [f"{row['number']:04}_{row['name']}.{row['phase']}" for row in rows]


class TestApplying:
    async def test_files_are_applied_once_in_order_and_recorded(self, url: str, shop: Source) -> None:
        write(shop, n0002_rows_expand="insert into product values (1, 'a');", n0001_table_expand=TABLE)
        done = migrations(await migrate(url, [shop]))
        assert [(each.number, each.name, each.phase) for each in done] == [
            (1, "table", "expand"),
            (2, "rows", "expand"),
        ]
        assert await migrate(url, [shop]) == []
        assert await applied(url) == ["0001_table.expand", "0002_rows.expand"]
        assert await value(url, "select count(*) from shop.product") == 1

    async def test_the_platforms_own_apply_to_an_empty_database(self, url: str) -> None:
        done = await migrate(url, [platform_source()])
        assert done
        assert {each.app for each in done} == {"headwater"}
        assert await migrate(url, [platform_source()]) == []

    async def test_phases_are_applied_apart_when_asked(self, url: str, shop: Source) -> None:
        write(
            shop,
            n0001_table_expand=TABLE,
            n0001_table_contract="alter table product drop column name;",
            n0003_more_expand="alter table product add column more text;",
        )
        assert [each.number for each in migrations(await migrate(url, [shop], ["expand"]))] == [1, 3]
        assert [file.path.name for file in await pending(url, [shop])] == ["0001_table.contract.sql"]
        assert [each.phase for each in migrations(await migrate(url, [shop], ["contract"]))] == ["contract"]

    async def test_pending_changes_nothing_and_needs_no_table(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE)
        assert [file.path.name for file in await pending(url, [shop])] == ["0001_table.expand.sql"]
        assert await value(url, "select count(*) from pg_namespace where nspname in ('shop', 'headwater')") == 0

    async def test_a_file_is_one_transaction_with_functions_and_comments(self, url: str, shop: Source) -> None:
        write(
            shop,
            n0001_all_expand="""
            -- a comment; with a semicolon
            create function twice(n int) returns int language sql
            begin atomic select case when true then n * 2 end; end;
            /* nested /* comment; */ still */
            do $body$ begin perform 1; raise notice 'x;y'; end $body$;
            create table "odd;name" (a text default 'it''s; so', b text default E'\\';');
            """,
        )
        await migrate(url, [shop])
        assert await value(url, "select shop.twice(4)") == 8

    async def test_two_migrators_at_once_apply_each_file_once(self, url: str, shop: Source) -> None:
        write(
            shop,
            n0001_table_expand=TABLE + "select pg_sleep(0.2);",
            n0002_rows_expand="insert into product values (1, 'a');",
        )
        results = await asyncio.gather(*(migrate(url, [platform_source(), shop]) for _ in range(3)))
        assert sorted(len([each for each in done if each.app == "shop"]) for done in results) == [0, 0, 2]


class TestFailing:
    async def test_broken_sql_names_file_and_line_and_leaves_nothing(self, url: str, shop: Source) -> None:
        write(
            shop, n0001_table_expand=TABLE, n0002_broken_expand="create table other (a int);\n\nselect\n  nonsense;\n"
        )
        with pytest.raises(MigrationFailed, match=r"0002_broken\.expand\.sql, line 4: .*nonsense") as caught:
            await migrate(url, [shop])
        assert caught.value.line == 4
        assert await applied(url) == ["0001_table.expand"]
        assert await value(url, "select to_regclass('shop.other')") is None

    async def test_a_fault_without_a_position_names_the_line_of_its_statement(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=f"{TABLE}\n\n-- twice\ninsert into product\nvalues (1, 'a'), (1, 'b');")
        with pytest.raises(MigrationFailed, match=r"line 4: duplicate key.*\n.*\(id\)=\(1\)"):
            await migrate(url, [shop])
        assert await value(url, "select to_regclass('shop.product')") is None

    async def test_a_deferred_constraint_is_reported_as_well(self, url: str, shop: Source) -> None:
        write(
            shop,
            n0001_table_expand="""
            create table node (id int primary key, up int references node deferrable initially deferred);
            insert into node values (1, 2);""",
        )
        with pytest.raises(MigrationFailed, match="violates foreign key"):
            await migrate(url, [shop])
        assert await value(url, "select to_regclass('shop.node')") is None

    async def test_its_own_commit_is_refused_before_anything_runs(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=f"{TABLE}\n commit;")
        with pytest.raises(EndsTransaction, match="line 2: COMMIT"):
            await migrate(url, [shop])
        assert await value(url, "select to_regclass('shop.product')") is None

    async def test_a_held_lock_blocks_nobody_for_long_and_then_gives_up(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE)
        await migrate(url, [shop])
        write(shop, n0002_more_expand="select 1;\nalter table product add column more text;")
        async with connected(url) as holder, holder.transaction():
            await holder.execute("select * from shop.product")
            with pytest.raises(MigrationBlocked, match=r"0002_more\.expand\.sql, line 2: .* 3 attempts"):
                await migrate(url, [shop], lock_timeout=0.05, attempts=3)
            assert await holder.fetchval("select count(*) from shop.product") == 0
        assert [each.number for each in migrations(await migrate(url, [shop]))] == [2]

    async def test_a_lock_that_is_given_up_in_time_is_waited_for(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE)
        await migrate(url, [shop])
        write(shop, n0002_more_expand="alter table product add column more text;")
        async with connected(url) as holder, connected(url) as outside:
            held = holder.transaction()
            await held.start()
            await holder.execute("select * from shop.product")
            migrating = asyncio.create_task(migrate(url, [shop], lock_timeout=0.05, attempts=12))
            attempts = f"select xact_start from pg_stat_activity where pid in ({BLOCKED})"
            first = await wait_for_row(outside, attempts)
            await wait_for_row(outside, f"{attempts} and xact_start > $1", first["xact_start"])
            await held.rollback()
            assert [each.number for each in migrations(await migrating)] == [2]


class TestThePast:
    async def test_an_edited_file_is_an_error_and_nothing_is_applied(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE)
        await migrate(url, [shop])
        write(shop, n0001_table_expand=TABLE + " ", n0002_more_expand="create table more (a int);")
        for attempt in (migrate, pending):
            with pytest.raises(EditedFile, match=r"0001_table\.expand\.sql was edited"):
                await attempt(url, [shop])
        assert await value(url, "select to_regclass('shop.more')") is None

    async def test_line_ends_of_another_system_are_no_edit(self, url: str, shop: Source) -> None:
        (shop.folder / "0001_a.expand.sql").write_bytes(b"select 1;\nselect 2;\n")
        await migrate(url, [shop])
        (shop.folder / "0001_a.expand.sql").write_bytes(b"select 1;\r\nselect 2;\r\n")
        assert await migrate(url, [shop]) == []

    async def test_a_file_that_vanished_is_an_error(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE, n0002_a_expand="select 1;")
        await migrate(url, [shop])
        (shop.folder / "0001_table.expand.sql").unlink()
        with pytest.raises(MissingFile, match=r"shop 0001_table\.expand\.sql was applied"):
            await migrate(url, [shop])

    async def test_a_renamed_file_is_an_error(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE)
        await migrate(url, [shop])
        (shop.folder / "0001_table.expand.sql").rename(shop.folder / "0001_other.expand.sql")
        with pytest.raises(RenamedFile, match="applied as 'table'"):
            await migrate(url, [shop])

    async def test_a_file_that_comes_too_late_for_its_number_is_an_error(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE, n0004_a_expand="select 1;")
        await migrate(url, [shop])
        write(shop, n0003_late_expand="select 1;")
        with pytest.raises(LateFile, match=r"0003_late\.expand\.sql comes too late: 0004"):
            await migrate(url, [shop])

    async def test_an_older_release_runs_on_what_a_newer_one_expanded(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE, n0002_a_expand="select 1;")
        await migrate(url, [shop])
        (shop.folder / "0002_a.expand.sql").unlink()
        assert await migrate(url, [shop]) == []

    async def test_but_not_on_what_a_newer_one_contracted(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE, n0002_a_contract="select 1;")
        await migrate(url, [shop])
        (shop.folder / "0002_a.contract.sql").unlink()
        with pytest.raises(ContractedPast):
            await migrate(url, [shop])


class TestFiles:
    @pytest.mark.parametrize(
        "name",
        ["1_a.expand.sql", "0001_a.sql", "0001-a.expand.sql", "0001_a.expnd.sql", "0001_A.expand.sql", "notes.txt"],
    )
    async def test_any_other_name_is_an_error(self, url: str, shop: Source, name: str) -> None:
        (shop.folder / name).write_text("select 1;")
        with pytest.raises(BadFileName, match="is not named as a migration"):
            await migrate(url, [shop])

    async def test_notes_and_hidden_files_may_lie_beside_them(self, url: str, shop: Source) -> None:
        for name in ("README.md", ".gitignore", "__init__.py"):
            (shop.folder / name).write_text("x")
        assert await migrate(url, [shop]) == []

    async def test_a_number_twice_is_an_error(self, url: str, shop: Source) -> None:
        write(shop, n0001_a_expand="select 1;", n0001_b_expand="select 2;")
        with pytest.raises(DuplicateNumber):
            await migrate(url, [shop])
        (shop.folder / "0001_b.expand.sql").rename(shop.folder / "0001_b.contract.sql")
        with pytest.raises(DuplicateNumber):
            await migrate(url, [shop])

    async def test_a_folder_that_is_not_there_is_an_error(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(MissingFolder, match="migrations of shop"):
            await migrate(url, [Source("shop", "shop", tmp_path / "nowhere")])


INDEX = "-- headwater: no transaction\ncreate index concurrently product_name on product (name);\n"
UNIQUE = "-- headwater: no transaction\ncreate unique index concurrently product_name on product (name);\n"
VALID = "select indisvalid from pg_index where indexrelid = 'shop.product_name'::regclass"


class TestWithoutTransaction:
    async def test_an_index_can_be_built_concurrently(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE, n0002_index_expand=INDEX)
        assert len(await migrate(url, [shop])) == 2
        assert await value(url, VALID)
        assert await migrate(url, [shop]) == []

    async def test_what_a_failed_attempt_left_is_dropped_before_the_next(self, url: str, shop: Source) -> None:
        write(
            shop, n0001_table_expand=TABLE + "insert into product values (1, 'a'), (2, 'a');", n0002_index_expand=UNIQUE
        )
        with pytest.raises(MigrationFailed, match=r"0002_index\.expand\.sql, line 2: could not create unique index"):
            await migrate(url, [shop])
        assert await value(url, VALID) is False
        await execute(url, "delete from shop.product where id = 2")
        assert [each.number for each in migrations(await migrate(url, [shop]))] == [2]
        assert await value(url, VALID)

    async def test_two_migrators_at_once_do_not_wait_for_each_other(self, url: str, shop: Source) -> None:
        """An index built concurrently waits for every older snapshot; the second migrator must hold none."""
        write(shop, n0001_table_expand=TABLE, n0002_index_expand=INDEX)
        async with connected(url) as holder:
            await migrate(url, [shop], ["contract"])
            await execute(url, "create table shop.product (id int primary key, name text not null)")
            (shop.folder / "0001_table.expand.sql").write_text("select 1;")
            held = holder.transaction()
            await held.start()
            await holder.execute("lock table shop.product in row exclusive mode")
            async with connected(url) as outside:
                migrating = [asyncio.create_task(migrate(url, [shop])) for _ in range(2)]
                await wait_for_row(outside, BLOCKED)
                await held.rollback()
                results = await asyncio.gather(*migrating)
        assert sorted(map(len, results)) == [0, 2]


class TestReplicaIdentity:
    async def test_a_published_table_without_identity_is_refused_with_the_remedy(self, url: str, shop: Source) -> None:
        await execute(url, "create schema shop", "create publication watched for tables in schema shop")
        write(shop, n0001_log_expand="create table note (text text);")
        with pytest.raises(NoReplicaIdentity, match=r"shop\.note cannot be published") as caught:
            await migrate(url, [shop])
        assert await value(url, "select to_regclass('shop.note')") is None
        write(shop, n0001_log_expand=f"create table note (text text);\n{caught.value.remedy}")
        assert len(await migrate(url, [shop])) == 1

    async def test_a_key_dropped_from_a_published_table_is_refused(self, url: str, shop: Source) -> None:
        write(shop, n0001_table_expand=TABLE)
        await migrate(url, [shop])
        await execute(url, "create publication watched for table shop.product")
        write(shop, n0002_drop_contract="alter table product drop constraint product_pkey;")
        with pytest.raises(NoReplicaIdentity):
            await migrate(url, [shop])

    async def test_a_partition_without_identity_is_refused_whatever_its_parent_has(
        self, url: str, shop: Source
    ) -> None:
        await execute(url, "create schema shop", "create publication watched for tables in schema shop")
        tree = "create table tree (id int) partition by range (id); create table leaf partition of tree default;"
        write(shop, n0001_tree_expand=tree)
        with pytest.raises(NoReplicaIdentity, match=r"shop\.leaf") as caught:
            await migrate(url, [shop])
        write(shop, n0001_tree_expand=f"{tree}\n{caught.value.remedy}")
        assert len(await migrate(url, [shop])) == 1

    async def test_inserts_alone_need_no_identity(self, url: str, shop: Source) -> None:
        await execute(
            url, "create schema shop", "create publication p for tables in schema shop with (publish = 'insert')"
        )
        write(shop, n0001_log_expand="create table note (text text);")
        assert len(await migrate(url, [shop])) == 1


async def test_a_role_that_may_not_create_schemas_can_migrate_those_it_owns(url: str, shop: Source) -> None:
    write(shop, n0001_table_expand=TABLE)
    await execute(
        url,
        "create role modest login",
        "create schema shop authorization modest",
        "create schema headwater authorization modest",
    )
    try:
        assert len(await migrate(url.replace("headwater@", "modest@"), [shop])) == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await execute(url.replace("headwater@", "modest@"), "create schema other")
    finally:
        await execute(url, "drop owned by modest cascade", "drop role modest")
