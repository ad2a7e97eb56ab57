"""Indexes: whether each declared order has an index, and the statement that creates a missing one.

An order without an index works, but each page reads the whole table. A warning is logged when a backend is opened.

A B-tree serves an order if it begins with its columns, in these directions or all in the opposite ones. A unique index
may have fewer columns than the order: no two rows are equal in them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import ClassVar, Final

import msgspec

from headwater.db import Db
from headwater.http.page.order import Order, Term, order_sql, quoted
from headwater.http.page.plan import PagePlan
from headwater.observe import Level, Occurrence


class IndexMissing(Occurrence, frozen=True, kw_only=True):
    """No index serves an order of a list, so each page reads the whole table. `create` is the statement that fixes
    it."""

    level: ClassVar[Level] = "warning"
    table: str
    sort: str
    create: str


class Indexed(msgspec.Struct, frozen=True):
    """One column of an index. It is not `plain` if it is compared otherwise than by its type and collation."""

    column: str
    descending: bool
    nulls_first: bool
    plain: bool = True


class Index(msgspec.Struct, frozen=True):
    """A whole B-tree index, its columns in their order."""

    name: str
    unique: bool
    columns: tuple[Indexed, ...]


async def missing_indexes(db: Db, plans: Iterable[PagePlan]) -> list[IndexMissing]:
    """The missing indexes of the declared orders, each once; raises `DbError`. Only tables are checked."""
    found: dict[str, IndexMissing] = {}
    for plan in plans:
        if plan.table is None or not await db.one(bool, _IS_TABLE, plan.table):
            continue
        indexes = list(_indexes(await db.all(_Record, _COLUMNS, plan.table)))
        for order in plan.sorts:
            if not any(serves(index, order, plan.narrowed) for index in indexes):
                missing = _missing(plan.table, order, plan.narrowed)
                found.setdefault(missing.create, missing)
    return list(found.values())


def serves(index: Index, order: Order, narrowed: Sequence[str] = ()) -> bool:
    """Whether the pages of an order, among rows with one value in each of the columns `narrowed`, are ranges of it."""
    first, columns = index.columns[: len(narrowed)], index.columns[len(narrowed) :]
    if {each.column for each in first} != set(narrowed):
        return False
    wanted = [Indexed(term.column, term.descending, _nulls_first(term, at)) for at, term in enumerate(order)]
    if index.unique and not narrowed and not any(term.nullable for term in order[: len(columns)]):
        wanted = wanted[: len(columns)]
    begun = list(columns[: len(wanted)])
    return begun == wanted or begun == [_turned(each) for each in wanted]


def create_statement(table: str, order: Order, narrowed: Sequence[str] = ()) -> str:
    """The statement that makes the index for an order, without stopping writes meanwhile."""
    name = table.rpartition(".")[2]
    listed = "_".join([*narrowed, *(term.column for term in order)])
    columns = ", ".join([*map(quoted, narrowed), order_sql((_leading(order[0]), *order[1:]))])
    index = f"{name}_by_{listed}".replace('"', "")[:63]
    return _bare(f"create index concurrently {quoted(index)} on {table} ({columns})")


def _missing(table: str, order: Order, narrowed: Sequence[str]) -> IndexMissing:
    sort = ",".join(("-" if term.descending else "") + term.column for term in order)
    straight = order if not order[0].descending else tuple(term.turned() for term in order)
    return IndexMissing(table=table, sort=sort, create=create_statement(table, straight, narrowed))


def _leading(term: Term) -> Term:
    """The first column of the index has no placing of nulls: the statements read rows with NULL there separately."""
    return Term(term.column, term.descending)


def _nulls_first(term: Term, at: int) -> bool:
    return term.nulls_first if term.nullable and at > 0 else term.descending


def _turned(each: Indexed) -> Indexed:
    return Indexed(each.column, not each.descending, not each.nulls_first, each.plain)


def _bare(sql: str) -> str:
    """The statement with quotes only around the names that need them."""
    return re.sub(r'"([a-z_][a-z0-9_]*)"', lambda m: m[0] if m[1] in _RESERVED else m[1], sql)


class _Record(msgspec.Struct, frozen=True):
    index: str
    unique: bool
    column: str | None
    descending: bool
    nulls_first: bool
    plain: bool | None


def _indexes(records: Sequence[_Record]) -> Iterator[Index]:
    for name, columns in groupby(records, lambda record: record.index):
        rows = list(columns)
        indexed = (Indexed(row.column or "", row.descending, row.nulls_first, bool(row.plain)) for row in rows)
        yield Index(name, rows[0].unique, tuple(indexed))


_IS_TABLE: Final = """
select exists (select from pg_class where oid = to_regclass($1) and relkind in ('r', 'p', 'm'))
"""

_COLUMNS: Final = """
select i.relname::text as index,
       x.indisunique as unique,
       a.attname::text as column,
       (x.indoption[k] & 1) = 1 as descending,
       (x.indoption[k] & 2) = 2 as nulls_first,
       o.opcdefault and x.indcollation[k] = a.attcollation as plain
from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_am m on m.oid = i.relam and m.amname = 'btree'
cross join generate_series(0, x.indnkeyatts - 1) as k
join pg_opclass o on o.oid = x.indclass[k]
left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[k] and x.indkey[k] <> 0
where x.indrelid = to_regclass($1) and x.indisvalid and x.indpred is null
order by i.relname, k
"""
"""The columns of every whole, valid B-tree of a table. An expression has no column; what has another collation or
operator class than its column is not plain."""

_KEYWORDS: Final = """
    all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
    current_date current_time current_timestamp current_user default deferrable desc distinct do else end except
    false fetch for foreign from grant group having in initially intersect into lateral leading limit localtime
    localtimestamp not null offset on only or order placing primary references returning select session_user some
    symmetric table then to trailing true union unique user using variadic when where window with
"""
_RESERVED: Final = frozenset(_KEYWORDS.split())
"""What PostgreSQL reserves (its manual, appendix C)."""
