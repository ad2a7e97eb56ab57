"""The doctor: checks the engines against what a backend needs, and says how to fix what is missing."""

import asyncio
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.engines import Finding


def doctor() -> None:
    """Check PostgreSQL, the schema, Valkey and the object storage; exit status 1 if a requirement is not met."""
    from headwater.cli.own import examine_parts
    from headwater.db import platform_source
    from headwater.db.doctor import examine_schema
    from headwater.engines import examine, postgres_url, render
    from headwater.objects.doctor import examine_objects
    from headwater.settings import read_settings

    settings = read_settings()
    url = postgres_url(settings)

    async def examine_all() -> "list[Finding]":
        schema = await examine_schema(url, [platform_source()])
        findings = [*await examine(url, settings), *schema, await examine_objects(settings)]
        return [*findings, *await examine_parts(settings)]

    findings = asyncio.run(examine_all())
    print("\n".join(render(findings)))
    if any(finding.required and not finding.ok for finding in findings):
        sys.exit(1)
