"""The lexer: where statements begin, and what a text can leave behind in the session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.db import TransactionControl
from headwater.db.statement import admit, split, traits


class TestSplit:
    @pytest.mark.parametrize(
        ("sql", "texts"),
        [
            ("select 1", ["select 1"]),
            ("select 1;;\n select 2 ; ", ["select 1", "select 2"]),
            ("-- only; a comment\n", []),
            ("/* a; /* nested; */ b; */ select 1", ["select 1"]),
            ("select ';', \";\" ; select 2", ["select ';', \";\"", "select 2"]),
            ("select 'it''s;'; select 2", ["select 'it''s;'", "select 2"]),
            (r"select e'\';'; select 2", [r"select e'\';'", "select 2"]),
            ("do $$ begin; end $$; select 2", ["do $$ begin; end $$", "select 2"]),
            ("do $a$ $$;$b$ $a$; select 2", ["do $a$ $$;$b$ $a$", "select 2"]),
            ("select a$b$c; select 2", ["select a$b$c", "select 2"]),
            ("select $1; select $2", ["select $1", "select $2"]),
            ("create rule r as on insert to t do (select 1; select 2); select 3", None),
            (
                "create procedure p() begin atomic select case when a then 1 end; delete from t; end; select 2",
                ["create procedure p() begin atomic select case when a then 1 end; delete from t; end", "select 2"],
            ),
        ],
    )
    def test_statements_end_where_psql_ends_them(self, sql: str, texts: list[str] | None) -> None:
        found = [statement.text for statement in split(sql)]
        assert found == (texts if texts is not None else [sql.rpartition(";")[0], "select 3"])

    def test_lines_are_counted_to_the_first_word(self) -> None:
        assert [statement.line for statement in split("\n-- x\nselect 1;\n\nselect\n2")] == [3, 5]

    @given(st.text(alphabet="aE'\"$;-/*\n\\() x1", max_size=60))
    def test_any_text_is_split_into_parts_of_itself_in_order(self, sql: str) -> None:
        end = 0
        for statement in split(sql):
            assert statement.offset >= end
            assert sql.startswith(statement.text, statement.offset)
            assert statement.line == sql.count("\n", 0, statement.offset) + 1
            end = statement.offset + len(statement.text)

    @given(
        st.lists(st.sampled_from(["select 1", "select ';'", "do $$ x; $$", "select e'\\';'", 'select ";"']), max_size=6)
    )
    def test_what_is_joined_by_semicolons_is_split_again(self, texts: list[str]) -> None:
        assert [statement.text for statement in split(" ;\n".join(texts))] == texts


class TestTraits:
    @pytest.mark.parametrize(
        "sql",
        [
            "select * from t where id = $1",
            "SELECT 1",
            "with a as (select 1) select * from a",
            "insert into t values ($1) on conflict (id) do update set a = 1 returning *",
            "update t set name = 'set session'",
            "delete from t",
            "-- set x = 1\nselect 'listen; set x = 1'",
            "set local lock_timeout = 5",
            "set constraints all deferred",
            "savepoint a",
            "rollback to savepoint a",
            "select pg_advisory_xact_lock(1)",
            "values (1)",
            "create table t (a int)",
            "",
        ],
    )
    def test_what_leaves_nothing_behind_spares_the_reset(self, sql: str) -> None:
        assert not traits(sql).leaves_state

    @pytest.mark.parametrize(
        "sql",
        [
            "set timezone = 'UTC'",
            "set session authorization x",
            "select 1; set timezone = 'UTC'",
            "select set_config('a.b', 'c', false)",
            "select Set_Config($1, $2, $3)",
            "listen x",
            "unlisten *",
            "prepare p as select 1",
            "declare c cursor with hold for select 1",
            "do $$ begin perform 1; end $$",
            "call p()",
            "load 'x'",
            "execute p",
            "create temp table t (a int)",
            "create temporary table t (a int)",
            "select 1 into temp t",
            "select pg_advisory_lock(1)",
            "select pg_try_advisory_lock(1)",
            "reset all",
            "discard all",
            "frobnicate",
        ],
    )
    def test_what_may_leave_something_behind_asks_for_it(self, sql: str) -> None:
        assert traits(sql).leaves_state

    @pytest.mark.parametrize("sql", ["discard all", "deallocate all", "select 1; DEALLOCATE p"])
    def test_statements_taken_away_are_noticed(self, sql: str) -> None:
        assert traits(sql).drops_statements

    @pytest.mark.parametrize(
        ("sql", "verb"),
        [
            ("begin", "BEGIN"),
            ("START TRANSACTION", "START"),
            ("select 1; commit", "COMMIT"),
            ("end", "END"),
            ("/* x */ rollback", "ROLLBACK"),
            ("abort", "ABORT"),
            ("prepare transaction 'x'", "PREPARE TRANSACTION"),
        ],
    )
    def test_transaction_control_is_refused_by_its_verb(self, sql: str, verb: str) -> None:
        with pytest.raises(TransactionControl, match=f"^{verb} would begin or end"):
            admit(sql)

    @pytest.mark.parametrize("sql", ["rollback to a", "rollback to savepoint a", "release savepoint a", "savepoint a"])
    def test_savepoints_are_not(self, sql: str) -> None:
        assert admit(sql).control is None

    @pytest.mark.parametrize(
        ("sql", "is_open"), [("select * from t", True), ("table t", True), ("select a, b from t", False)]
    )
    def test_columns_are_open_where_the_table_decides_them(self, sql: str, is_open: bool) -> None:
        assert traits(sql).columns_open is is_open
