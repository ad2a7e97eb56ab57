"""Every setting of Headwater, read from the environment once; the table in the docs is generated from here."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn, TypeVar, get_origin

import msgspec
from msgspec import Meta

from headwater.errors import HeadwaterError


class SettingsError(HeadwaterError):
    """{variable}={value!r} is not a valid setting: {reason}."""


S = TypeVar("S", bound=msgspec.Struct)

PREFIX: Final = "HEADWATER_"

Port = Annotated[int, Meta(ge=0, le=65535)]
LogLevel = Literal["debug", "info", "warning", "error"]
Count = Annotated[int, Meta(ge=1, le=256)]


_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_HOST: Final = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]", re.IGNORECASE)

SECURITY: Final = "security"
"""The group of the settings that matter for security; they have a table of their own in the docs."""


def _security(description: str, **limits: Any) -> Meta:
    return Meta(description=description, extra={"group": SECURITY}, **limits)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One field per setting; its variable is ``HEADWATER_`` and the field's name in capitals."""

    home: Annotated[Path, Meta(description="Folder of all state: engines, logs, sockets.")] = Path(".headwater")
    host: Annotated[str, Meta(description="Address that the web workers listen on.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port that the web workers listen on; 0 picks a free one.")] = 8000
    metrics_port: Annotated[
        Port | None,
        Meta(
            description="Port of `/metrics`; 0 for none. Unset, it is 10000 above `HEADWATER_PORT`, and without "
            "`headwater up` or `headwater dev` there is none."
        ),
    ] = None
    metrics_host: Annotated[str, _security("Address that `/metrics` listens on.")] = "127.0.0.1"
    postgres_url: Annotated[
        str | None, Meta(description="URL of an external PostgreSQL; unset, an embedded one is started.")
    ] = None
    valkey_url: Annotated[
        str | None, Meta(description="URL of an external Valkey; unset, an embedded one is started.")
    ] = None
    objects_url: Annotated[
        str | None,
        Meta(
            description="URL of the object storage, such as `s3://bucket/folder`; unset, the folder `objects` in "
            "`HEADWATER_HOME`."
        ),
    ] = None
    objects_endpoint: Annotated[
        str | None, Meta(description="URL of the S3 endpoint, for a server other than Amazon's.")
    ] = None
    objects_region: Annotated[str | None, Meta(description="Region of the bucket; unset, `AWS_REGION`.")] = None
    objects_access_key: Annotated[
        str | None,
        Meta(description="Access key id of the bucket; unset, from the `AWS_...` variables or the machine's role."),
    ] = None
    objects_secret_key: Annotated[
        str | None, Meta(description="Secret access key that belongs to `HEADWATER_OBJECTS_ACCESS_KEY`.")
    ] = None
    upload_hours: Annotated[
        int,
        Meta(
            ge=1,
            description="Hours for which an upload can be resumed, and after which one that no command "
            "has kept is deleted.",
        ),
    ] = 24
    upload_bytes_per_second: Annotated[
        int,
        Meta(
            ge=1,
            description="Lowest average rate of an upload in bytes per second, checked after `HEADWATER_BODY_SECONDS`.",
        ),
    ] = 4096
    web: Annotated[Count, Meta(description="Web workers, one process each.")] = 2
    consumers: Annotated[Count, Meta(description="Consumer workers, one process each.")] = 1
    partitions: Annotated[
        Annotated[int, Meta(ge=1, le=1024)],
        Meta(description="Number of partitions of a new log; `headwater log repartition` changes it later."),
    ] = 16
    slot: Annotated[
        str, Meta(description="Name of the replication slot and of the publication, and prefix of keys in Valkey.")
    ] = "headwater"
    wal_budget_mb: Annotated[int, Meta(ge=64, description="WAL in MiB that PostgreSQL may keep for the relay.")] = 4096
    retention_hours: Annotated[
        int, Meta(ge=1, description="Hours for which the log keeps entries that every consumer has applied.")
    ] = 168
    idempotency_hours: Annotated[int, Meta(ge=1, description="Hours for which a stored response is replayed.")] = 24
    secret: Annotated[
        str | None,
        Meta(description="Secrets, comma-separated; the first signs, all verify. Unset, one is kept in the database."),
    ] = None
    body_limit: Annotated[int, _security("Largest request body in bytes.", ge=1)] = 1_048_576
    body_seconds: Annotated[float, _security("Seconds within which a request body must arrive.", gt=0, le=3600)] = 30.0
    body_depth: Annotated[int, _security("Deepest nesting of arrays and objects in a request body.", ge=1, le=500)] = 64
    limits: Annotated[
        Literal["auto", "memory", "valkey"],
        _security(
            "Where rate limits are counted: in `valkey`, for all processes together; in `memory`, for each process; "
            "`auto`: in Valkey where there is one."
        ),
    ] = "auto"
    trusted_proxies: Annotated[
        tuple[str, ...],
        _security("Networks of proxies whose X-Forwarded-For is trusted, comma-separated: `10.0.0.0/8,unix`."),
    ] = ()
    shed: Annotated[
        bool, Meta(description="Load shedding: refuse with 503 at once a request that would wait too long.")
    ] = True
    in_flight: Annotated[
        int, Meta(ge=1, description="Most requests in progress per web worker; streams being sent do not count.")
    ] = 1000
    shed_target_seconds: Annotated[
        float,
        Meta(gt=0, le=60, description="Queueing delay in seconds that is allowed under lasting overload."),
    ] = 0.1
    shed_interval_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=60,
            description="Queueing delay in seconds that is allowed in a burst. A queue that does not empty within "
            "this time counts as overloaded.",
        ),
    ] = 1.0
    deadline_seconds: Annotated[
        float,
        Meta(ge=0, le=86_400, description="Deadline of a request in seconds, where its route names none; 0 for none."),
    ] = 60.0
    drain_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="Seconds that requests in progress get to finish after SIGTERM.")
    ] = 10.0
    balancer_seconds: Annotated[
        float,
        Meta(ge=0, le=3600, description="Seconds for which `/readyz` says 503 before a web worker stops accepting."),
    ] = 0.0
    compression: Annotated[bool, Meta(description="Compress responses for clients that accept it.")] = True
    compression_minimum: Annotated[int, Meta(ge=1, description="Smallest response in bytes that is compressed.")] = 1024
    zstd_level: Annotated[int, Meta(ge=1, le=19, description="Compression level of zstd.")] = 3
    brotli_level: Annotated[int, Meta(ge=0, le=11, description="Compression level of brotli.")] = 4
    gzip_level: Annotated[int, Meta(ge=1, le=9, description="Compression level of gzip.")] = 6
    log_level: Annotated[LogLevel, Meta(description="Lowest level that is logged: debug, info, warning or error.")] = (
        "info"
    )
    docs: Annotated[bool, Meta(description="Serve the documentation page at /docs.")] = True
    hosts: Annotated[
        tuple[str, ...],
        _security(
            "Accepted hosts, comma-separated; others get 421. `.example.org` is every host below it. Unset, any."
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        _security("Origins whose pages may read responses, comma-separated, such as `https://app.example.org`."),
    ] = ()
    cors_credentials: Annotated[bool, _security("Whether pages of these origins may send cookies.")] = False
    cors_seconds: Annotated[
        int, _security("Seconds for which browsers cache a preflight response.", ge=0, le=86_400)
    ] = 7200
    hsts_seconds: Annotated[
        int,
        _security("`max-age` of Strict-Transport-Security in seconds, subdomains included; 0 omits the field.", ge=0),
    ] = 0
    mount_headers: Annotated[
        bool, _security("Add security headers to responses of mounted applications that lack them.")
    ] = True
    send_seconds: Annotated[
        float, _security("Seconds after which a client that reads nothing of its response is cut off.", gt=0, le=3600)
    ] = 30.0


def read_settings(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """The settings of `environ`, with `overrides` on top; raises `SettingsError` for the first invalid one."""
    found = _read(Settings, PREFIX, environ)
    found.update({name: value for name, value in overrides.items() if value is not None})
    settings = Settings(**found)
    _check(settings)
    return msgspec.structs.replace(settings, home=settings.home.absolute())


def read_own_settings(kind: type[S], prefix: str, environ: Mapping[str, str] = os.environ) -> S:
    """The settings of a part: a Struct whose fields are read from variables, ``<prefix><FIELD>``.

    Raises `SettingsError` for the first invalid one, and for one without a default that is not set.
    """
    found = _read(kind, prefix, environ)
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in found:
            variable = variable_of(field.name, prefix)
            raise SettingsError(variable=variable, value="", reason="it must be set")
    return kind(**found)


def variable_of(field: str, prefix: str = PREFIX) -> str:
    """The variable of a field."""
    return f"{prefix}{field.upper()}"


def _read(kind: type[msgspec.Struct], prefix: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The fields of `kind` that are set."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        variable = variable_of(field.name, prefix)
        text = environ.get(variable)
        if not text:
            continue
        given = _listed(text) if get_origin(_bare(field.type)) is tuple else text
        try:
            found[field.name] = msgspec.convert(given, field.type, strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            raise SettingsError(variable=variable, value=text, reason=_wanted(field.type) or str(error)) from None
    return found


def written(value: Any) -> str:
    """A setting's value, written as in its environment variable."""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _wanted(kind: Any) -> str:
    """What values a setting of this type can have; empty where msgspec's own message says it best."""
    match _unnamed(msgspec.inspect.type_info(kind)):
        case msgspec.inspect.IntType() as number:
            return "it must be a whole number" + _range(number)
        case msgspec.inspect.FloatType() as number:
            return "it must be a number" + _range(number)
        case msgspec.inspect.BoolType():
            return "it must be true or false"
        case msgspec.inspect.UnionType(types=(msgspec.inspect.IntType() as number, msgspec.inspect.NoneType())):
            return "it must be a whole number" + _range(number)
        case msgspec.inspect.LiteralType(values=words):
            return f"it must be one of {', '.join(map(str, words))}"
    return ""


def _unnamed(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind


def _range(number: msgspec.inspect.IntType | msgspec.inspect.FloatType) -> str:
    if number.ge is not None and number.le is not None:
        return f" from {number.ge} to {number.le}"
    bounds = [("above", number.gt), ("at least", number.ge), ("at most", number.le)]
    named = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
    return f", {named}" if named else ""


def _bare(kind: Any) -> Any:
    """A type without its annotations."""
    return kind.__origin__ if hasattr(kind, "__metadata__") else kind


def _check(settings: Settings) -> None:
    """Raises `SettingsError` for what types cannot express."""
    for origin in settings.cors_origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            _refuse(
                "cors_origins", origin, "an origin is https://host or https://host:port in lower case, without a path"
            )
        if origin == "*" and settings.cors_credentials:
            _refuse("cors_origins", origin, "with HEADWATER_CORS_CREDENTIALS, each origin must be named")
    for host in settings.hosts:
        if not _HOST.fullmatch(host):
            _refuse(
                "hosts",
                host,
                "a host is a name or an address without a port; a leading dot stands for every host below it",
            )


def _refuse(name: str, value: str, reason: str) -> NoReturn:
    raise SettingsError(variable=f"HEADWATER_{name.upper()}", value=value, reason=reason)


def _decode(wanted: type, value: Any) -> Any:
    if wanted is Path:
        return Path(value)
    raise NotImplementedError(wanted)
