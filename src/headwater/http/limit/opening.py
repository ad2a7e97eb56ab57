"""Where the limits of a backend are kept: in Valkey if there is one, so that all its processes count together."""

from collections.abc import AsyncIterator, Callable

from headwater.clock import Clock
from headwater.engines.address import without_password
from headwater.http.limit.fallback import Fallback
from headwater.http.limit.limiter import Limiter
from headwater.http.limit.memory import MemoryStore
from headwater.http.limit.store import Store
from headwater.http.limit.valkey import ValkeyStore
from headwater.observe import Metrics
from headwater.settings import Settings, SettingsError

_SCHEMES = ("valkey", "valkeys", "redis", "rediss", "unix")


async def open_limiter(settings: Settings, metrics: Metrics, clock: Clock) -> AsyncIterator[Limiter]:
    """The limiter, until the process ends."""
    limiter = make_limiter(settings, metrics, clock)
    yield limiter
    await limiter.close()


def make_limiter(settings: Settings, metrics: Metrics, clock: Clock) -> Limiter:
    """By HEADWATER_LIMITS. Nothing is connected before the first request.

    What is counted in a process is counted by `clock`; in Valkey it is by Valkey's, on which all processes agree.

    Raises `SettingsError` if there is no Valkey where there has to be one, or its URL is none.
    """
    return Limiter(_store(settings, metrics, clock), _refusals(metrics))


def _store(settings: Settings, metrics: Metrics, clock: Clock) -> Store:
    if settings.limits == "memory" or (settings.limits == "auto" and settings.valkey_url is None):
        return MemoryStore(clock)
    if settings.valkey_url is None:
        reason = "there is no Valkey; set HEADWATER_VALKEY_URL, or run `headwater up`, which starts one"
        raise SettingsError(variable="HEADWATER_LIMITS", value=settings.limits, reason=reason)
    _check(settings.valkey_url)
    local = metrics.gauge("headwater_limits_local", "Processes that count their limits alone, because Valkey is away.")

    def away(gone: bool) -> None:
        local.set(float(gone))

    return Fallback(ValkeyStore(settings.valkey_url, settings.slot), MemoryStore(clock), away)


def _check(url: str) -> None:
    if url.partition(":")[0] not in _SCHEMES:
        reason = f"it begins with one of {', '.join(scheme + '://' for scheme in _SCHEMES)}"
        raise SettingsError(variable="HEADWATER_VALKEY_URL", value=without_password(url, url), reason=reason)


def _refusals(metrics: Metrics) -> Callable[[str], None]:
    """Counts what each limit refuses; the names are those that are declared, so they are few."""
    limited = metrics.counter("headwater_http_limited_total", "Requests that a limit refused.", ("limit",))

    def count(name: str) -> None:
        limited.of(name).add()

    return count
