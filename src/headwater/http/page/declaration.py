"""Pages: the declaration of a list: its orders, filters, fields and counts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from headwater.binding.signature import Marker
from headwater.http.page.filter import Operator
from headwater.http.page.order import Nulls

Count = Literal["none", "estimate", "exact"]


class Pages(Marker):
    """The declaration that ``page: Annotated[Page, PEOPLE]`` refers to::

        PEOPLE = Pages(
            Person,
            table="directory.person",
            sort=("name", "born", "country,-joined"),
            default="name",
            filters={"country": ("eq", "in"), "born": ("ge", "lt")},
            fields=True,
            count=("none", "estimate"),
        )

    `kind` is the row, `table` where it is read from (by default the row's own table), `key` the column, or the columns,
    that no two rows share and none lacks. `sort` names the fields that may be sorted by, alone and after each
    other in either direction; an entry with several is a combination that is expected to have an index. `default` is
    the order without ``sort=``, by default the first of `sort`, or else the key. `nulls` says where rows without a
    value stand. `filters` allows operators per field: ``eq ne lt le gt ge in prefix null``.

    `limit` and `most` bound ``limit=``. `fields` lets a client choose among all fields, or among those named. `count`
    are the ways of counting that a client may ask for. `tenant` names the column that must hold the tenant of who is
    asking; `within` the column, or the columns, whose values each `read` is given, as for a list below another
    resource. Fields are called what the API calls them. A cursor lives for `lifetime` at least, and at most twice that.
    """

    def __init__(
        self,
        kind: type[Any],
        *,
        table: str | None = None,
        key: str | Sequence[str] = "id",
        sort: Collection[str] = (),
        default: str | None = None,
        nulls: Nulls = "last",
        filters: Mapping[str, tuple[Operator, ...] | list[Operator]] | None = None,
        limit: int = 20,
        most: int = 100,
        fields: bool | Collection[str] = False,
        count: Sequence[Count] = ("none",),
        tenant: str | None = None,
        within: str | Sequence[str] = (),
        lifetime: timedelta = timedelta(days=1),
    ) -> None:
        self.kind = kind
        self.table = table if table is not None else getattr(kind, "__table__", None)
        self.key = (key,) if isinstance(key, str) else tuple(key)
        self.sort = tuple(sort)
        self.default = default
        self.nulls: Nulls = nulls
        self.filters = dict(filters or {})
        self.limit = limit
        self.most = most
        self.fields = fields
        self.count = tuple(count)
        self.tenant = tenant
        self.within = (within,) if isinstance(within, str) else tuple(within)
        self.lifetime = lifetime

    def __repr__(self) -> str:
        return f"Pages({self.kind.__name__})"
