"""Options belong to their capability: a record and a TypedDict say the same, and an unknown keyword is an error."""

import typing
from types import UnionType
from typing import Any

import msgspec
import pytest

from headwater import App
from headwater.http.route.errors import OptionUnknown
from headwater.http.route.option import Option
from headwater.http.verbs import OPTIONS, CommandOptions, QueryOptions

TYPED = {**typing.get_type_hints(QueryOptions), **typing.get_type_hints(CommandOptions)}
INTERNAL = {"vital"}
"""What no app says of its routes."""


@pytest.mark.parametrize("kind", OPTIONS.kinds, ids=lambda kind: kind.__name__)
def test_the_record_and_the_typed_dict_of_a_capability_have_the_same_fields(kind: type[Option]) -> None:
    for field in msgspec.structs.fields(kind):
        if field.name not in INTERNAL:
            assert _plain(field.type) == _plain(TYPED[field.name]), field.name


def _plain(kind: Any) -> set[Any]:
    """The members of a type. A TypedDict says what to pass, so None may be missing in it: it says the same as leaving
    the keyword out; and it may type a function more closely."""
    members = typing.get_args(kind) if isinstance(kind, UnionType) else (kind,)
    return {typing.get_origin(each) or each for each in members} - {type(None)}


def test_every_option_has_one_record_only() -> None:
    names = [name for kind in OPTIONS.kinds for name in kind.__struct_fields__]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("verb", ["query", "command"])
def test_a_keyword_that_no_capability_knows_is_refused_by_name(verb: str) -> None:
    app = App("shop")

    async def show() -> None: ...

    with pytest.raises(OptionUnknown, match=r"GET /a: there is no option 'limts'. The options are: .*limits"):
        getattr(app, verb)("GET /a", limts=())(show)
