"""OpenAPI documents: compare two for breaking changes, and generate a client from one."""

from headwater.api.change import Change
from headwater.api.client import write_client
from headwater.api.declared import Declared, judge, read_declared
from headwater.api.diff import compare
from headwater.api.errors import ApiError

__all__ = ["ApiError", "Change", "Declared", "compare", "judge", "read_declared", "write_client"]
