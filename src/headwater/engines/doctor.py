"""The doctor: checks PostgreSQL and Valkey against what Headwater needs; each failed check names its fix."""

import asyncpg

from headwater.engines.address import shown_database, shown_host
from headwater.engines.facts import read_facts, read_version
from headwater.engines.finding import Finding
from headwater.engines.judgement import BUSY_BOUND_SECONDS, IDLE_BOUND_SECONDS, judge, judge_version
from headwater.engines.postgres import CONNECT_ERRORS, CONNECT_SECONDS, explain
from headwater.engines.remedy import quoted
from headwater.engines.valkey import ask_valkey
from headwater.settings import Settings


async def examine(url: str, settings: Settings) -> list[Finding]:
    """Check the PostgreSQL at `url`, and the external Valkey if `settings` name one.

    A server that fails a check is a finding, not an error.
    """
    findings = await examine_postgres(url, settings)
    if settings.valkey_url:
        findings.append(await examine_valkey(settings.valkey_url))
    return findings


async def examine_postgres(url: str, settings: Settings) -> list[Finding]:
    """One finding if the server is unreachable, two if its version is too old for the other checks."""
    subject = f"PostgreSQL at {shown_host(url)}"
    try:
        connection = await asyncpg.connect(
            url, timeout=CONNECT_SECONDS, server_settings={"application_name": "headwater doctor"}
        )
    except CONNECT_ERRORS as error:
        remedy = _connection_remedy(error, url)
        return [Finding(ok=False, subject=subject, found=explain(error, url), wanted="reachable", remedy=remedy)]
    try:
        reached = Finding(ok=True, subject=subject, found="reachable", wanted="reachable")
        version = judge_version(await read_version(connection))
        if not version.ok:
            return [reached, version]
        facts = await read_facts(
            connection, url, settings, idle_bound=IDLE_BOUND_SECONDS, busy_bound=BUSY_BOUND_SECONDS
        )
    except CONNECT_ERRORS as error:
        return [Finding(ok=False, subject=subject, found=explain(error, url), wanted="a response to every check")]
    finally:
        await connection.close()
    return [reached, version, *judge(facts, settings)]


async def examine_valkey(url: str) -> Finding:
    refusal = await ask_valkey(url)
    return Finding(
        ok=refusal is None,
        subject=f"Valkey at {shown_host(url)}",
        found=refusal or "reachable",
        wanted="reachable",
        remedy=None if refusal is None else "HEADWATER_VALKEY_URL=valkey://user:password@host:6379/0",
    )


def _connection_remedy(error: BaseException, url: str) -> str | None:
    database, role = shown_database(url)
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"CREATE DATABASE {quoted(database)} ENCODING 'UTF8' TEMPLATE template0;"
    if isinstance(error, asyncpg.InvalidPasswordError):
        return f"ALTER ROLE {quoted(role)} PASSWORD '...';  -- the password in HEADWATER_POSTGRES_URL"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"host  {database}  {role}  samenet  scram-sha-256  # in pg_hba.conf; then SELECT pg_reload_conf();"
    return None
