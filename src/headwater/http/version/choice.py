"""A choice of fields in an older version: items are read and converted whole, and then reduced to the chosen fields."""

import typing
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from headwater.http.message.answer import Answer
from headwater.http.message.request import Request
from headwater.http.page import Listing, Pages
from headwater.http.page.plan import FIELDS
from headwater.http.route.call import Call
from headwater.http.types.inputerror import InputError, invalid_request
from headwater.http.types.shape import partial_of

_DECODE: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_DECODE_ITEMS: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_ENCODE: Final = msgspec.json.Encoder().encode


class FieldChoice(NamedTuple):
    """`names` are the fields that may be chosen, `shown` is the page's type, of items that may lack any of them."""

    names: tuple[str, ...]
    shown: Any


def field_choice_of(pages: Pages, shown: Any) -> FieldChoice | None:
    """What there is to choose of in the items that an older version shows; None if they have no fields.

    A list of fields is by their names in the newest version, so those with other names cannot be chosen.
    """
    item = typing.get_args(shown)[0] if typing.get_origin(shown) is Listing else None
    if not pages.fields or not (isinstance(item, type) and issubclass(item, msgspec.Struct)):
        return None
    fields = msgspec.structs.fields(item)
    allowed = None if pages.fields is True else frozenset(pages.fields)
    names = tuple(each.encode_name for each in fields if allowed is None or each.encode_name in allowed)
    part: Any = partial_of(item)
    return FieldChoice(names, Listing[part])


def with_field_choice(call: Call, choice: FieldChoice) -> Call:
    """The same for a request that may choose fields; raises a `Problem` 422 for those that are not there."""

    async def call_chosen(request: Request) -> Answer:
        if FIELDS.encode() not in request.scope["query_string"] or FIELDS not in request.query:
            return await call(request)
        chosen = _read(request.query.pop(FIELDS), choice.names)
        request.add_variant(b"fields-" + b".".join(quote(name, safe="").replace("%", "_").encode() for name in chosen))
        answer = await call(request)
        if answer.status != 200 or not answer.body:
            return answer
        return Answer(answer.status, answer.fields, _reduced(answer.body, frozenset(chosen)))

    return call_chosen


def _read(texts: list[str], names: tuple[str, ...]) -> list[str]:
    items = texts[0].split(",")
    detail = None
    if len(texts) > 1:
        detail = f"Expected one value, got {len(texts)}"
    elif len(items) != len(set(items)):
        detail = "Expected each at most once"
    elif any(item not in names for item in items):
        detail = f"Expected some of {', '.join(names)}"
    if detail is not None:
        raise invalid_request([InputError(detail=detail, parameter=FIELDS, where="query")])
    return items


def _reduced(body: bytes, chosen: frozenset[str]) -> bytes:
    listing: dict[str, Any] = _DECODE(body)
    items = _DECODE_ITEMS(listing["items"])
    listing["items"] = [{name: value for name, value in item.items() if name in chosen} for item in items]
    return _ENCODE(listing)
