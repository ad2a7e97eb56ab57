"""Binding: from a handler's signature, once, to what fills its parameters, per request.

Where a parameter comes from, first match first: a name in the path; a type that something provides (`Db`, `Tx`,
`Request`, …); a marker (`Annotated[T, Header()]`, `Query()`, `Body()`); a Struct, which is the JSON body; anything
that one text can spell, or a list of these, which is the query string.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import inspect as shapes

from headwater.commit import Tx
from headwater.db import Db
from headwater.http.body import check_depth, holds_nul
from headwater.http.errors import (
    AnnotationMissing,
    AnnotationUnresolved,
    NotAsync,
    ParameterMisplaced,
    ParameterUnbound,
)
from headwater.http.fault import Fault, Invalid, invalid_request
from headwater.http.kind import MALFORMED_BODY
from headwater.http.media import is_json, not_json
from headwater.http.parameter import Body, Header, Query
from headwater.http.request import Request
from headwater.http.resources import Provider, Resources
from headwater.http.route import Route, names_of, segments_of
from headwater.http.scalar import list_reader_of, reader_of
from headwater.http.shape import ListShape, Shape, is_optional, members_of, shape_of
from headwater.http.validation import find_faults, nul_faults

MISSING: Final = inspect.Parameter.empty
