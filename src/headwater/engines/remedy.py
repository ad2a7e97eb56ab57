"""The statements that the doctor gives: how a setting is changed, and how names and texts are written in SQL."""

from typing import Final

HOSTED_PARAMETERS: Final = {"wal_level": "wal_level (rds.logical_replication = 1, cloudsql.logical_decoding = on)"}


def set_parameter(name: str, value: str, *, hosted: bool, restart: bool = False) -> str:
    """How `name` becomes `value`: what cannot be set on a hosted server is set in its console."""
    after = "restart PostgreSQL" if restart else "SELECT pg_reload_conf();"
    if hosted:
        parameter = HOSTED_PARAMETERS.get(name, name)
        return f"{parameter} = {value}  -- in the parameters of your service" + ("; then restart it" if restart else "")
    return f"ALTER SYSTEM SET {name} = {literal(value)};" + (f"  -- then {after}" if restart else f" {after}")


def quoted(name: str) -> str:
    """As an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """As an SQL string."""
    return "'" + text.replace("'", "''") + "'"
