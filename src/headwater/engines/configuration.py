"""The configuration of the embedded PostgreSQL, with the reasons; written at every start."""

from collections.abc import Mapping

from headwater.settings import Settings

# For two cores and a few GiB shared with the workers: modest shared buffers, and the kernel's page cache for the rest.
MEMORY = {
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "wal_buffers": "16MB",
}

# Rare checkpoints write fewer full pages; a recovery reads at most two GiB of WAL.
CHECKPOINTS = {
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
}

# The relay needs one slot and one sender; the rest is for a relay that takes over, sinks and base backups.
REPLICATION = {
    "wal_level": "logical",
    "max_replication_slots": "10",
    "max_wal_senders": "10",
    "wal_sender_timeout": "60s",
}

# Short statements by primary key: JIT compilation never pays, and random reads are cheap on flash. Watermarks and
# idempotency records are updated all the time, so autovacuum runs often.
STATEMENTS = {
    "jit": "off",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "15s",
}

MESSAGES = {
    "cluster_name": "headwater",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%a %d: ",
    "log_lock_waits": "on",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "lc_messages": "C",
    "default_text_search_config": "pg_catalog.english",
}

# These are promised (design 7), so they are also on the command line, which ALTER SYSTEM cannot override.
PRIVATE = {"listen_addresses": "", "unix_socket_permissions": "0700"}
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

PROMISED = frozenset({*PRIVATE, *DURABLE, "wal_level", "unix_socket_directories"})


def compose(overrides: Mapping[str, str], *, durable: bool) -> dict[str, str]:
    """Every setting; `overrides` win."""
    durability = DURABLE if durable else FORGETFUL
    return {**MEMORY, **CHECKPOINTS, **REPLICATION, **STATEMENTS, **MESSAGES, **PRIVATE, **durability, **overrides}


def render(configuration: Mapping[str, str]) -> str:
    """The text of a configuration file."""
    head = "# Written by Headwater at every start. Change settings with ALTER SYSTEM, or in postgresql.conf.\n"
    return head + "".join(f"{name} = {_quote(value)}\n" for name, value in configuration.items())


def command_line(configuration: Mapping[str, str]) -> list[str]:
    """The promised settings as arguments."""
    given = sorted(PROMISED & configuration.keys())
    return [part for name in given for part in ("-c", f"{name}={configuration[name]}")]


def of_settings(settings: Settings) -> dict[str, str]:
    """The settings that are derived from Headwater's settings."""
    return {
        "max_slot_wal_keep_size": f"{settings.wal_budget_mb}MB",
        "max_connections": str(max(100, connections_needed(settings) + CONNECTIONS_RESERVED)),
    }


# The most connections that a process opens. A web worker: a pool of ten for queries, one of ten for commands, and one
# to check the migrations for readiness. A consumer worker: a pool of ten and one that listens. The relay's two, the
# supervisor, `headwater` commands and psql share the rest.
CONNECTIONS_PER_WEB = 21
CONNECTIONS_PER_CONSUMER = 11
CONNECTIONS_BESIDE = 12
CONNECTIONS_RESERVED = 3
"""For superusers: PostgreSQL's own default."""


def connections_needed(settings: Settings) -> int:
    """The most connections that all processes of `headwater up` open together."""
    workers = settings.web * CONNECTIONS_PER_WEB + settings.consumers * CONNECTIONS_PER_CONSUMER
    return workers + CONNECTIONS_BESIDE


def _quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
