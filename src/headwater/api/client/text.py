"""Text: formatted lines of Python, at most 120 characters wide."""

import textwrap
from collections.abc import Sequence
from typing import Final

WIDTH: Final = 120
INDENT: Final = " " * 4

_BULLETS: Final = ("- ", "* ", "| ")


def docstring(text: str, indent: str = INDENT) -> list[str]:
    """The lines of a docstring; none for an empty text."""
    paragraphs = [
        paragraph for paragraph in text.replace("\\", "\\\\").replace('"""', "'''").split("\n\n") if paragraph
    ]
    if not paragraphs:
        return []
    room = WIDTH - len(indent) - 3
    wrapped = [_fill(paragraph, room) for paragraph in paragraphs]
    lines = [line for number, each in enumerate(wrapped) for line in ([""] if number else []) + each]
    if lines[-1].endswith('"'):
        lines[-1] += " "
    if len(lines) == 1 and len(lines[0]) > room - 3:  # a formatter leaves no closing quotes alone below one line
        lines = _fill(lines[0], room - 3)
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{line}" if line else "" for line in lines[1:]), f'{indent}"""']


def call(start: str, arguments: Sequence[str], end: str, indent: str) -> list[str]:
    """``start(arguments)end`` on one line, or with its arguments on lines of their own."""
    line = f"{indent}{start}({', '.join(arguments)}){end}"
    if len(line) <= WIDTH:
        return [line]
    inside = f"{indent}{INDENT}{', '.join(arguments)}"
    if len(inside) <= WIDTH:
        return [f"{indent}{start}(", inside, f"{indent}){end}"]
    inner = [line for each in arguments for line in _argument(each, indent + INDENT)]
    return [f"{indent}{start}(", *inner, f"{indent}){end}"]


def _argument(text: str, indent: str) -> list[str]:
    """An argument on a line of its own; a mapping that is too long for that has each member on its own line."""
    if len(indent) + len(text) + 1 <= WIDTH or not text.endswith("}"):
        return [f"{indent}{text},"]
    start, _, members = text.removesuffix("}").partition("{")
    return [f"{indent}{start}{{", *(f"{indent}{INDENT}{each}," for each in members.split(", ")), f"{indent}}},"]


def _fill(paragraph: str, room: int) -> list[str]:
    """A paragraph as wrapped lines; lists stay lists."""
    lines = paragraph.splitlines()
    if any(line.lstrip().startswith(_BULLETS) for line in lines):
        return [part for line in lines for part in _wrap(line.strip(), room, subsequent_indent="  ")]
    return _wrap(" ".join(line.strip() for line in lines), room)


def _wrap(text: str, room: int, **options: str) -> list[str]:
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False, **options)  # type: ignore[arg-type]
