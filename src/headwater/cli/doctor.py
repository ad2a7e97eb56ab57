"""The doctor: what the engines lack to carry a backend, and the statement that mends it."""

import asyncio
import sys


def doctor() -> None:
    """Examine PostgreSQL and Valkey, line by line; exit with status 1 if something required is lacking."""
    from headwater.engines import examine, postgres_url, render
    from headwater.settings import read_settings

    settings = read_settings()
    findings = asyncio.run(examine(postgres_url(settings), settings))
    print("\n".join(render(findings)))
    if any(finding.required and not finding.ok for finding in findings):
        sys.exit(1)
