"""A document as its tests see it: fenced blocks with the note before them, links, and headings.

A note is an HTML comment on the line before a block, which no reader sees. It says what the block is to its test:
``file: PATH`` (the whole file), ``diff: PATH`` (a change of it), ``shown: PATH`` (a part of it), ``skip`` (not run).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sybil import Document as Parsed
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

PROJECT = Path(__file__).resolve().parents[2]

_NOTE = re.compile(r"<!-- (.+?) -->\n\Z")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block; `line` is that of its first line, counted from 1."""

    language: str
    text: str
    line: int
    note: str = ""


class Document:
    """A Markdown file of the project."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()

    def __repr__(self) -> str:
        return str(self.path.relative_to(PROJECT))

    def blocks(self, *languages: str) -> list[Block]:
        """The blocks in these languages, or all, in their order."""
        return [block for block in self._blocks() if not languages or block.language in languages]

    def links(self) -> list[str]:
        """Where the prose links to."""
        return _LINK.findall(_FENCED.sub("", self.text))

    def anchors(self) -> set[str]:
        """The fragments that its headings can be linked by, as GitHub makes them."""
        return {_anchor(heading) for heading in _HEADING.findall(_FENCED.sub("", self.text))}

    def _blocks(self) -> Iterator[Block]:
        parsed = Parsed(self.text, str(self.path))
        for region in FencedCodeBlockLexer(r"\w*")(parsed):
            source = region.lexemes["source"]
            line = self.text.count("\n", 0, region.start + source.offset) + 1
            note = _NOTE.search(self.text[: region.start])
            yield Block(region.lexemes["language"], source.text, line, note[1] if note else "")


def documents() -> list[Document]:
    """Everything that is written for people: the front door and all of docs/."""
    paths = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]
    return [Document(path) for path in paths]


def module_of(blocks: list[Block]) -> str:
    """The blocks as one Python module, each on the lines that it has in the document, so that errors point there."""
    lines: list[str] = []
    for block in blocks:
        lines += [""] * (block.line - 1 - len(lines)) + block.text.splitlines()
    return "\n".join(lines) + "\n"


def change(text: str, diff: str) -> str:
    """`text` with a change applied: its lines without a plus are found, those without a minus take their place."""
    lines = diff.splitlines()
    old, new = ("\n".join(line[1:] for line in lines if not line.startswith(sign)) for sign in ("+", "-"))
    assert text.count(old) == 1, f"found {text.count(old)} times:\n{old}"
    return text.replace(old, new)


def _anchor(heading: str) -> str:
    words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
    return words.replace(" ", "-")
