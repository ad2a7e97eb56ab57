"""What the doctor has to say about one thing that was looked at."""

from collections.abc import Iterable, Iterator

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`remedy` is a statement for psql, a command, or a line for a file; None where all is well or nothing helps.

    A finding that is not `required` is advice: the backend runs without it, at the price that `wanted` names.
    """

    ok: bool
    subject: str
    found: str
    wanted: str
    remedy: str | None = None
    required: bool = True


def render(findings: Iterable[Finding]) -> list[str]:
    """Lines for a person: what is well in one line each, what is not with its remedy below."""
    return [line for finding in findings for line in _render(finding)]


def _render(finding: Finding) -> Iterator[str]:
    if finding.ok:
        yield f"ok      {finding.subject}: {finding.found}"
        return
    yield f"{'LACKS' if finding.required else 'advice':<8}{finding.subject}: {finding.found}"
    yield f"        wanted: {finding.wanted}"
    if finding.remedy:
        yield f"        mend:   {finding.remedy}"
