"""Stored functions: replaced when their version grows, never turned back, never under a signature of another kind."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from headwater.db import Source, migrate, newer_functions, pending, platform_source
from headwater.db.define import EditedFunction, SignatureChanged
from headwater.db.function import (
    DuplicateFunction,
    NoFunction,
    NotAFunction,
    UnreadableVersion,
    read_functions,
)
from headwater.db.sqlfile import MigrationFailed
from tests.integration.db.servers import connected, execute, value

TABLE = "create table product (id int primary key, price int not null);"
TOTAL = "create or replace function shop.total() returns bigint language sql as 'select sum(price) from shop.product';"
DOUBLE = (
    "create or replace function shop.total() returns bigint language sql as 'select sum(price) * 2 from shop.product';"
)


def new_shop(folder: Path, **functions: str) -> Source:
    """A release of an app with one table, a row of price 7, and these files of functions."""
    (folder / "migrations").mkdir(parents=True)
    (folder / "migrations" / "0001_product.expand.sql").write_text(f"{TABLE} insert into product values (1, 7);")
    source = Source("shop", "shop", folder / "migrations")
    write(source, **functions)
    return source


def write(source: Source, **functions: str) -> None:
    (folder,) = source.function_folders
    folder.mkdir(exist_ok=True)
    for name, sql in functions.items():
        (folder / f"{name}.sql").write_text(sql)


def version(number: int, sql: str) -> str:
    return f"-- headwater: version {number}\n{sql}"


async def labels(url: str, source: Source, **options: Any) -> list[str]:
    return [each.label for each in await migrate(url, [source], **options)]


async def recorded(url: str) -> list[tuple[str, int, list[str]]]:
    async with connected(url) as connection:
        rows = await connection.fetch("select name, version, signatures from headwater.function order by name")
    return [tuple(row) for row in rows]


class TestDefining:
    async def test_functions_follow_the_migrations_and_are_recorded(self, url: str, tmp_path: Path) -> None:
        shop = new_shop(tmp_path, total=TOTAL)
        assert [file.path.name for file in await pending(url, [shop])] == ["0001_product.expand.sql", "total.sql"]
        assert await labels(url, shop) == ["0001_product.expand.sql", "total.sql, version 1"]
        assert await value(url, "select shop.total()") == 7
        assert await recorded(url) == [("total", 1, ["shop.total()"])]
        assert (await pending(url, [shop]), await labels(url, shop)) == ([], [])

    async def test_a_body_whose_version_grows_is_replaced(self, url: str, tmp_path: Path) -> None:
        shop = new_shop(tmp_path, total=TOTAL)
        await migrate(url, [shop])
        write(shop, total=version(2, DOUBLE))
        assert [file.path.name for file in await pending(url, [shop])] == ["total.sql"]
        assert await labels(url, shop) == ["total.sql, version 2"]
        assert await value(url, "select shop.total()") == 14

    async def test_a_file_edited_without_counting_is_refused_and_nothing_changes(
        self, url: str, tmp_path: Path
    ) -> None:
        shop = new_shop(tmp_path, total=TOTAL)
        await migrate(url, [shop])
        write(shop, total=DOUBLE)
        (shop.folder / "0002_more.expand.sql").write_text("create table more ();")
        for attempt in (migrate, pending):
            with pytest.raises(EditedFunction, match="-- headwater: version 2"):
                await attempt(url, [shop])
        assert await value(url, "select shop.total()") == 7
        assert await value(url, "select to_regclass('shop.more')") is None

    async def test_functions_call_each_other_in_any_order(self, url: str, tmp_path: Path) -> None:
        first = "create or replace function shop.a() returns int language sql as 'select shop.b()';"
        second = "create or replace function shop.b() returns int language sql as 'select 1';"
        await migrate(url, [new_shop(tmp_path, a=first, b=second)])
        assert await value(url, "select shop.a()") == 1

    async def test_a_file_may_hold_several_and_names_are_the_apps_own(self, url: str, tmp_path: Path) -> None:
        both = f"{TOTAL}\n-- And one more.\ncreate or replace procedure reset() language sql as 'delete from product';"
        await migrate(url, [new_shop(tmp_path, total=both)])
        assert await recorded(url) == [("total", 1, ["shop.reset()", "shop.total()"])]

    async def test_a_broken_one_is_named_with_its_line_and_none_is_applied(self, url: str, tmp_path: Path) -> None:
        wrong = "-- A comment.\ncreate or replace function shop.wrong() returns int language sql as 'select nothing';"
        with pytest.raises(MigrationFailed, match=r"wrong\.sql, line 2: column \"nothing\" does not exist"):
            await migrate(url, [new_shop(tmp_path, total=TOTAL, wrong=wrong)])
        assert await value(url, "select to_regprocedure('shop.total()')") is None
        assert await recorded(url) == []

    async def test_one_that_was_dropped_by_hand_comes_again(self, url: str, tmp_path: Path) -> None:
        shop = new_shop(tmp_path, total=TOTAL)
        await migrate(url, [shop])
        await execute(url, "drop function shop.total()")
        assert await labels(url, shop) == ["total.sql, version 1"]
        assert await value(url, "select shop.total()") == 7

    async def test_they_belong_to_the_expand_phase(self, url: str, tmp_path: Path) -> None:
        shop = new_shop(tmp_path, total=TOTAL)
        assert await labels(url, shop, phases=["expand"]) == ["0001_product.expand.sql", "total.sql, version 1"]
        write(shop, total=version(2, DOUBLE))
        assert await labels(url, shop, phases=["contract"]) == []
        assert await pending(url, [shop], ["contract"]) == []

    async def test_migrators_at_once_define_them_once(self, url: str, tmp_path: Path) -> None:
        shop = new_shop(tmp_path, total=TOTAL)
        results = await asyncio.gather(*(migrate(url, [platform_source(), shop]) for _ in range(3)))
        assert sorted(map(bool, results)) == [False, False, True]


class TestReleases:
    async def test_two_that_migrate_in_turn_keep_the_newer_body(self, url: str, tmp_path: Path) -> None:
        old = new_shop(tmp_path / "old", total=TOTAL)
        new = new_shop(tmp_path / "new", total=version(2, DOUBLE))
        for release in (old, new, old, new, old):
            await migrate(url, [release])
            expected = 7 if release is old and not await newer_functions(url, [old]) else 14
            assert await value(url, "select shop.total()") == expected
        assert await recorded(url) == [("total", 2, ["shop.total()"])]
        assert await pending(url, [old]) == []
        assert [newer.label for newer in await newer_functions(url, [old])] == ["total.sql, version 2"]
        assert await newer_functions(url, [new]) == []

    async def test_an_older_one_does_not_put_its_body_back_where_it_never_was(self, url: str, tmp_path: Path) -> None:
        await migrate(url, [new_shop(tmp_path / "new", total=version(3, DOUBLE))])
        assert await labels(url, new_shop(tmp_path / "old", total=version(2, TOTAL))) == []
        assert await value(url, "select shop.total()") == 14

    async def test_a_function_under_a_new_name_stands_beside_the_old_one(self, url: str, tmp_path: Path) -> None:
        old = new_shop(tmp_path / "old", total=TOTAL)
        named = TOTAL.replace("total()", "total_above(floor_price int)")
        new = new_shop(tmp_path / "new", total_above=named)
        for release in (old, new, old):
            await migrate(url, [release])
        assert await value(url, "select shop.total() + shop.total_above(5)") == 14


CHANGED = {
    "another parameter": "shop.total(floor_price int) returns bigint",
    "another result": "shop.total() returns numeric",
    "a result of columns": "shop.total(out total bigint, out rows bigint)",
}


class TestSignatures:
    @pytest.mark.parametrize("signature", CHANGED.values(), ids=CHANGED)
    async def test_another_one_under_the_same_name_is_refused(self, url: str, tmp_path: Path, signature: str) -> None:
        shop = new_shop(tmp_path, total=TOTAL)
        await migrate(url, [shop])
        body = "select 1::bigint, 1::bigint" if "out" in signature else "select 1"
        write(shop, total=version(2, f"create or replace function {signature} language sql as '{body}';"))
        with pytest.raises(SignatureChanged, match=r"(?s)the signature of shop\.total differs.* a new name"):
            await migrate(url, [shop])
        assert await value(url, "select shop.total()") == 7
        assert await recorded(url) == [("total", 1, ["shop.total()"])]

    async def test_another_name_of_a_parameter_is_refused(self, url: str, tmp_path: Path) -> None:
        named = "create or replace function shop.twice({0} int) returns int language sql as 'select {0} * 2';"
        shop = new_shop(tmp_path, twice=named.format("number"))
        await migrate(url, [shop])
        write(shop, twice=version(2, named.format("amount")))
        with pytest.raises(SignatureChanged, match="cannot change name of input parameter"):
            await migrate(url, [shop])

    async def test_so_is_one_that_differs_from_what_a_migration_made(self, url: str, tmp_path: Path) -> None:
        shop = new_shop(tmp_path, total=TOTAL.replace("total()", "total(floor_price int)"))
        (shop.folder / "0002_total.expand.sql").write_text(TOTAL.replace("or replace ", ""))
        with pytest.raises(SignatureChanged, match=r"there are shop\.total\(\) and shop\.total\(integer\)"):
            await migrate(url, [shop])

    async def test_so_is_one_whose_function_was_dropped_first(self, url: str, tmp_path: Path) -> None:
        shop = new_shop(tmp_path, total=TOTAL)
        await migrate(url, [shop])
        await execute(url, "drop function shop.total()")
        write(shop, total=version(2, TOTAL.replace("total()", "total(floor_price int)")))
        with pytest.raises(SignatureChanged):
            await migrate(url, [shop])

    async def test_a_body_that_does_not_fit_its_result_is_no_change_of_signature(
        self, url: str, tmp_path: Path
    ) -> None:
        wrong = "create or replace function shop.total() returns int language sql as 'select now()';"
        with pytest.raises(MigrationFailed, match="return type mismatch"):
            await migrate(url, [new_shop(tmp_path, total=wrong)])


class TestFiles:
    @pytest.mark.parametrize(
        ("sql", "error"),
        [
            ("create table shop.stray ();", NotAFunction),
            (f"{TOTAL} select 1;", NotAFunction),
            (TOTAL.replace("or replace ", ""), NotAFunction),
            ("-- Nothing yet.", NoFunction),
            (f"-- headwater: version two\n{TOTAL}", UnreadableVersion),
            (f"-- headwater: version 0\n{TOTAL}", UnreadableVersion),
        ],
    )
    def test_what_is_no_file_of_functions_is_refused(self, tmp_path: Path, sql: str, error: type[Exception]) -> None:
        with pytest.raises(error):
            read_functions(new_shop(tmp_path, total=sql))

    def test_no_two_files_define_one_function_or_have_one_name(self, tmp_path: Path) -> None:
        with pytest.raises(DuplicateFunction, match=r"both define shop\.total;"):
            read_functions(new_shop(tmp_path / "one", total=TOTAL, again=TOTAL))
        one, other = new_shop(tmp_path / "two", total=TOTAL), new_shop(tmp_path / "three", total=TOTAL)
        both = Source("shop", "shop", one.folder, (*one.function_folders, *other.function_folders))
        with pytest.raises(DuplicateFunction, match=r"both define total\.sql;"):
            read_functions(both)

    def test_an_app_without_a_folder_of_functions_has_none(self, tmp_path: Path) -> None:
        assert read_functions(Source("shop", "shop", tmp_path / "migrations")) == []


class TestPlatform:
    async def test_every_function_of_the_platform_has_its_file(self, url: str) -> None:
        source = platform_source()
        await migrate(url, [source])
        async with connected(url) as connection:
            rows = await connection.fetch(
                "select format('headwater.%s', proname) as name from pg_proc "
                "where pronamespace = 'headwater'::regnamespace"
            )
        defined = [function for file in read_functions(source) for function in file.functions]
        assert sorted(row["name"] for row in rows) == sorted(defined)
