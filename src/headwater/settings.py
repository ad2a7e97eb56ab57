"""Every switch of Headwater, read from the environment once; the table in the docs is made from here."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn, TypeVar, get_origin

import msgspec
from msgspec import Meta

from headwater.errors import HeadwaterError


class SettingsError(HeadwaterError):
    """{variable}={value!r} is not a usable setting: {reason}."""


S = TypeVar("S", bound=msgspec.Struct)

PREFIX: Final = "HEADWATER_"

Port = Annotated[int, Meta(ge=0, le=65535)]
LogLevel = Literal["debug", "info", "warning", "error"]
Count = Annotated[int, Meta(ge=1, le=256)]


_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_HOST: Final = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]", re.IGNORECASE)

SECURITY: Final = "security"
"""The group of the switches that a reader who cares for security looks for."""


def _security(description: str, **limits: Any) -> Meta:
    return Meta(description=description, extra={"group": SECURITY}, **limits)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One field a switch; the variable is ``HEADWATER_`` and the field's name in capitals."""

    home: Annotated[Path, Meta(description="Folder of all state: engines, logs, sockets.")] = Path(".headwater")
    host: Annotated[str, Meta(description="Address that the web listens on.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port that the web listens on; 0 takes a free one.")] = 8000
    metrics_port: Annotated[
        Port | None,
        Meta(
            description="Port of `/metrics`; 0 for none. Unset, it is 10000 above `HEADWATER_PORT`, and without "
            "`headwater up` or `headwater dev` there is none."
        ),
    ] = None
    metrics_host: Annotated[str, _security("Address that `/metrics` is served on, to whoever reaches it.")] = (
        "127.0.0.1"
    )
    postgres_url: Annotated[str | None, Meta(description="External PostgreSQL; unset, one is started.")] = None
    valkey_url: Annotated[str | None, Meta(description="External Valkey; unset, one is started.")] = None
    objects_url: Annotated[
        str | None,
        Meta(description="Object storage, such as `s3://bucket/folder`; unset, the folder `objects` in the home."),
    ] = None
    objects_endpoint: Annotated[str | None, Meta(description="URL of an S3 that is not Amazon's.")] = None
    objects_region: Annotated[str | None, Meta(description="Region of the bucket; unset, `AWS_REGION`.")] = None
    objects_access_key: Annotated[
        str | None,
        Meta(description="Access key id of the bucket; unset, what `AWS_...` variables or the machine's role give."),
    ] = None
    objects_secret_key: Annotated[str | None, Meta(description="Secret access key that goes with it.")] = None
    upload_hours: Annotated[
        int, Meta(ge=1, description="Hours that an upload can be resumed, and that one without a commit is kept.")
    ] = 24
    upload_bytes_per_second: Annotated[
        int,
        Meta(
            ge=1, description="Bytes per second that an upload must keep up, after `HEADWATER_BODY_SECONDS` of grace."
        ),
    ] = 4096
    web: Annotated[Count, Meta(description="Web workers, one process each.")] = 2
    consumers: Annotated[Count, Meta(description="Consumer workers, one process each.")] = 1
    partitions: Annotated[
        Annotated[int, Meta(ge=1, le=1024)],
        Meta(description="Partitions of a new log; later `headwater log repartition` changes them."),
    ] = 16
    slot: Annotated[
        str, Meta(description="Name of the replication slot and the publication, and before keys in Valkey.")
    ] = "headwater"
    wal_budget_mb: Annotated[int, Meta(ge=64, description="WAL in MiB that PostgreSQL may hold for the relay.")] = 4096
    retention_hours: Annotated[int, Meta(ge=1, description="Hours that the log keeps what is applied.")] = 168
    idempotency_hours: Annotated[int, Meta(ge=1, description="Hours that a stored response is replayed.")] = 24
    secret: Annotated[
        str | None,
        Meta(description="Secrets, with commas between; the first signs cursors. Unset, one is kept in the database."),
    ] = None
    body_limit: Annotated[int, _security("Bytes that a request body may have.", ge=1)] = 1_048_576
    body_seconds: Annotated[float, _security("Seconds for a request body to arrive.", gt=0, le=3600)] = 30.0
    body_depth: Annotated[int, _security("Depth of arrays and objects in a request body.", ge=1, le=500)] = 64
    limits: Annotated[
        Literal["auto", "memory", "valkey"],
        _security("Where rate limits are counted: `valkey`, over all processes; `memory`, in each; or `auto`."),
    ] = "auto"
    trusted_proxies: Annotated[
        tuple[str, ...],
        _security("Networks whose X-Forwarded-For is believed, with commas between: `10.0.0.0/8,unix`."),
    ] = ()
    shed: Annotated[bool, Meta(description="Refuse with 503, at once, what would wait in vain.")] = True
    in_flight: Annotated[
        int, Meta(ge=1, description="Requests that a web worker works on at once; streams that flow do not count.")
    ] = 1000
    shed_target_seconds: Annotated[
        float, Meta(gt=0, le=60, description="Seconds of waiting that a queue may hold which does not get empty.")
    ] = 0.1
    shed_interval_seconds: Annotated[
        float, Meta(gt=0, le=60, description="Seconds of waiting that any other may hold, and within which it has to.")
    ] = 1.0
    deadline_seconds: Annotated[
        float,
        Meta(ge=0, le=86_400, description="Seconds that a request may take where its route names none; 0 for any."),
    ] = 60.0
    drain_seconds: Annotated[float, Meta(ge=0, le=3600, description="Seconds for requests after SIGTERM.")] = 10.0
    balancer_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="Seconds that readiness says 503 before the web stops accepting.")
    ] = 0.0
    compression: Annotated[bool, Meta(description="Compress answers for clients that take it.")] = True
    compression_minimum: Annotated[int, Meta(ge=1, description="Bytes from which an answer is compressed.")] = 1024
    zstd_level: Annotated[int, Meta(ge=1, le=19, description="Effort of zstd, 1 to 19.")] = 3
    brotli_level: Annotated[int, Meta(ge=0, le=11, description="Effort of brotli, 0 to 11.")] = 4
    gzip_level: Annotated[int, Meta(ge=1, le=9, description="Effort of gzip, 1 to 9.")] = 6
    log_level: Annotated[LogLevel, Meta(description="debug, info, warning or error.")] = "info"
    docs: Annotated[bool, Meta(description="Serve the documentation page at /docs.")] = True
    hosts: Annotated[
        tuple[str, ...],
        _security(
            "Hosts that are answered, with commas between, others with 421; `.example.org` is all below it. Unset, any."
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        _security("Origins whose pages may read answers, such as `https://app.example.org`, with commas between."),
    ] = ()
    cors_credentials: Annotated[bool, _security("Whether these pages may use the cookies of this host.")] = False
    cors_seconds: Annotated[
        int, _security("Seconds that a browser remembers what these pages may ask.", ge=0, le=86_400)
    ] = 7200
    hsts_seconds: Annotated[
        int, _security("Seconds that browsers come back by TLS only, subdomains included; 0 says nothing of it.", ge=0)
    ] = 0
    mount_headers: Annotated[
        bool, _security("Add security headers to answers of mounted applications that lack them.")
    ] = True
    send_seconds: Annotated[
        float, _security("Seconds that a client may take none of what is sent to it.", gt=0, le=3600)
    ] = 30.0


def read_settings(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """The settings of `environ`, with `overrides` on top; raises `SettingsError` for the first unusable one."""
    found = _read(Settings, PREFIX, environ)
    found.update({name: value for name, value in overrides.items() if value is not None})
    settings = Settings(**found)
    _check(settings)
    return msgspec.structs.replace(settings, home=settings.home.absolute())


def read_own_settings(kind: type[S], prefix: str, environ: Mapping[str, str] = os.environ) -> S:
    """The settings of a part, a Struct whose fields are variables as those of `Settings` are: ``<prefix><FIELD>``.

    Raises `SettingsError` for the first unusable one, and for one without a default that is not set.
    """
    found = _read(kind, prefix, environ)
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in found:
            variable = variable_of(field.name, prefix)
            raise SettingsError(variable=variable, value="", reason="it has to be set")
    return kind(**found)


def variable_of(field: str, prefix: str = PREFIX) -> str:
    """The variable that a field is read from."""
    return f"{prefix}{field.upper()}"


def _read(kind: type[msgspec.Struct], prefix: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """What is set of the fields of `kind`."""
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
    """A setting's value as its variable would have it."""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _wanted(kind: Any) -> str:
    """What a setting of this type may be, for a person; empty for a type that says it best itself."""
    match _unnamed(msgspec.inspect.type_info(kind)):
        case msgspec.inspect.IntType() as number:
            return "it is a whole number" + _range(number)
        case msgspec.inspect.FloatType() as number:
            return "it is a number" + _range(number)
        case msgspec.inspect.BoolType():
            return "it is true or false"
        case msgspec.inspect.UnionType(types=(msgspec.inspect.IntType() as number, msgspec.inspect.NoneType())):
            return "it is a whole number" + _range(number)
        case msgspec.inspect.LiteralType(values=words):
            return f"it is one of {', '.join(map(str, words))}"
    return ""


def _unnamed(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind


def _range(number: msgspec.inspect.IntType | msgspec.inspect.FloatType) -> str:
    if number.ge is not None and number.le is not None:
        return f" from {number.ge} to {number.le}"
    bounds = [("above", number.gt), ("of at least", number.ge), ("of at most", number.le)]
    named = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
    return f" {named}" if named else ""


def _bare(kind: Any) -> Any:
    """A type without what is annotated to it."""
    return kind.__origin__ if hasattr(kind, "__metadata__") else kind


def _check(settings: Settings) -> None:
    """Raises `SettingsError` for what no type can say."""
    for origin in settings.cors_origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            _refuse(
                "cors_origins", origin, "an origin is https://host or https://host:port in lower case, without a path"
            )
        if origin == "*" and settings.cors_credentials:
            _refuse("cors_origins", origin, "with HEADWATER_CORS_CREDENTIALS each origin has to be named")
    for host in settings.hosts:
        if not _HOST.fullmatch(host):
            _refuse("hosts", host, "a host is a name or an address without a port; with a leading dot, all below it")


def _refuse(name: str, value: str, reason: str) -> NoReturn:
    raise SettingsError(variable=f"HEADWATER_{name.upper()}", value=value, reason=reason)


def _decode(wanted: type, value: Any) -> Any:
    if wanted is Path:
        return Path(value)
    raise NotImplementedError(wanted)
