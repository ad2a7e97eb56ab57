"""The types that every package shares: rows, events and row changes.

`Row` and `Event` are `msgspec.Struct`s: fields are typed, decoding validates, encoding is fast.
"""

from typing import Any, ClassVar, Generic, Literal, TypeVar, dataclass_transform

import msgspec

R = TypeVar("R", bound="Row")

Operation = Literal["insert", "update", "delete", "truncate"]


class _RowMeta(msgspec.StructMeta):
    __table__: str | None

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, table: str | None = None, **options: Any
    ) -> Any:
        options.setdefault("kw_only", True)
        cls = super().__new__(mcls, name, bases, namespace, **options)
        cls.__table__ = table
        return cls


@dataclass_transform(field_specifiers=(msgspec.field,), kw_only_default=True)
class Row(msgspec.Struct, metaclass=_RowMeta, kw_only=True):
    """A row as PostgreSQL stores it and the API shows it.

    Field names are column names. `table` names the table (``schema.table``) where it is needed, as for
    ``on(Changed[Product])``::

        class Product(Row, table="shop.product"):
            id: UUID
            name: str
    """


class _EventMeta(msgspec.StructMeta):
    __event_key__: str | None
    __event_version__: int

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        key: str | None = None,
        version: int = 1,
        **options: Any,
    ) -> Any:
        options.setdefault("kw_only", True)
        options.setdefault("frozen", True)
        cls = super().__new__(mcls, name, bases, namespace, **options)
        if key is not None and key not in cls.__struct_fields__:
            raise TypeError(f"{name}: key={key!r} is not a field; the fields are {', '.join(cls.__struct_fields__)}")
        cls.__event_key__ = key
        cls.__event_version__ = version
        return cls


@dataclass_transform(field_specifiers=(msgspec.field,), kw_only_default=True, frozen_default=True)
class Event(msgspec.Struct, metaclass=_EventMeta, kw_only=True, frozen=True):
    """A fact that a command emits; part of its commit.

    `key` names the field by which events are ordered: events with the same key are applied in commit order. Events
    of a class without a key have no order among each other. `version` counts incompatible changes of the fields::

        class OrderPlaced(Event, key="order"):
            order: UUID
            product: UUID
            quantity: int
    """


class Changed(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """A row that was changed in PostgreSQL, by a command or by any other client: ``@app.on(Changed[Product])``.

    `key` holds the columns that tell rows apart: the primary key, or, where the replica identity does not have it, the
    replica identity. `row` holds the columns that the WAL carried: a large value that an update left alone is absent
    from it (it is unchanged, not null), and a delete carries the key only. `old` holds what the columns that the
    consumer declared (``on(…, old=["price"])``) were before an update or a delete, where the replica identity logs it.
    """

    table: str
    operation: Operation
    key: dict[str, Any]
    row: dict[str, Any]
    old: dict[str, Any] = {}

    consumes_rows: ClassVar[bool] = True


class ProcessName(str):
    """What a process calls itself, in the database's list of connections and elsewhere."""

    __slots__ = ()
