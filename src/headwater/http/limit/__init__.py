"""Rate limits: how many requests somebody may make, by policies that a route or the whole backend declares."""

from headwater.http.limit.declaration import By, Limit, LimitInvalid, LimitsClash, check_limits
from headwater.http.limit.limiter import Limiter
from headwater.http.limit.memory import MemoryStore
from headwater.http.limit.opening import make_limiter, open_limiter
from headwater.http.limit.store import Charge, Store, Verdict
from headwater.http.limit.valkey import ValkeyAway, ValkeyStore

__all__ = [
    "By",
    "Charge",
    "Limit",
    "LimitInvalid",
    "Limiter",
    "LimitsClash",
    "MemoryStore",
    "Store",
    "ValkeyAway",
    "ValkeyStore",
    "Verdict",
    "check_limits",
    "make_limiter",
    "open_limiter",
]
