"""A finding: the result of one check of the doctor."""

from collections.abc import Iterable, Iterator

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`remedy` is a statement for psql, a command, or a line for a file; None if the check passed or nothing helps.

    A finding that is not `required` is a warning: the backend runs without it, with the drawback that `wanted` names.
    """

    ok: bool
    subject: str
    found: str
    wanted: str
    remedy: str | None = None
    required: bool = True


def render(findings: Iterable[Finding]) -> list[str]:
    """Lines for a person: one for each check that passed, and the remedy below each that failed."""
    return [line for finding in findings for line in _render(finding)]


def _render(finding: Finding) -> Iterator[str]:
    if finding.ok:
        yield f"ok      {finding.subject}: {finding.found}"
        return
    yield f"{'FAILED' if finding.required else 'warning':<8}{finding.subject}: {finding.found}"
    yield f"        needed: {finding.wanted}"
    if finding.remedy:
        yield f"        fix:    {finding.remedy}"
