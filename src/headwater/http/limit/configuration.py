"""The limiter by configuration: it counts in Valkey, if there is one, so all processes share the counters."""

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
    """The limiter by HEADWATER_LIMITS. It connects at the first request.

    In memory it uses `clock`; in Valkey it uses Valkey's clock, which all processes share.

    Raises `SettingsError` if a required Valkey is not configured, or its URL is invalid.
    """
    return Limiter(_store(settings, metrics, clock), _refusals(metrics))


def _store(settings: Settings, metrics: Metrics, clock: Clock) -> Store:
    if settings.limits == "memory" or (settings.limits == "auto" and settings.valkey_url is None):
        return MemoryStore(clock)
    if settings.valkey_url is None:
        reason = "no Valkey is configured; set HEADWATER_VALKEY_URL, or run `headwater up`, which starts one"
        raise SettingsError(variable="HEADWATER_LIMITS", value=settings.limits, reason=reason)
    _check(settings.valkey_url)
    local = metrics.gauge(
        "headwater_limits_local", "Processes that count their own limits, because Valkey is unreachable."
    )

    def on_outage(outage: bool) -> None:
        local.set(float(outage))

    return Fallback(ValkeyStore(settings.valkey_url, settings.slot), MemoryStore(clock), on_outage)


def _check(url: str) -> None:
    if url.partition(":")[0] not in _SCHEMES:
        reason = f"it must begin with one of {', '.join(scheme + '://' for scheme in _SCHEMES)}"
        raise SettingsError(variable="HEADWATER_VALKEY_URL", value=without_password(url, url), reason=reason)


def _refusals(metrics: Metrics) -> Callable[[str], None]:
    """Counts the refusals of each limit; names are declared, so there are few."""
    limited = metrics.counter("headwater_http_limited_total", "Requests that a limit refused.", ("limit",))

    def count(name: str) -> None:
        limited.of(name).add()

    return count
