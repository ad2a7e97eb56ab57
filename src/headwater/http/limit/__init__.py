"""Rate limits: how many requests a client may make, by policies of a route or of the whole backend."""

from headwater.http.limit.configuration import make_limiter, open_limiter
from headwater.http.limit.declaration import By, Limit, LimitInvalid, LimitsClash, check_limits
from headwater.http.limit.limiter import Limiter
from headwater.http.limit.memory import MemoryStore
from headwater.http.limit.store import Charge, Store, Verdict
from headwater.http.limit.valkey import ValkeyStore, ValkeyUnreachable

__all__ = [
    "By",
    "Charge",
    "Limit",
    "LimitInvalid",
    "Limiter",
    "LimitsClash",
    "MemoryStore",
    "Store",
    "ValkeyStore",
    "ValkeyUnreachable",
    "Verdict",
    "check_limits",
    "make_limiter",
    "open_limiter",
]
