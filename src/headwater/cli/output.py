"""What commands print: tables for people, JSON for programs."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

CONSUMER_COLUMNS = ("consumer", "entries behind", "seconds behind", "keys in retry", "keys parked")

PIPE_WIDTH = 200

_ENCODER = msgspec.json.Encoder(enc_hook=str)


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Columns as wide as their content, the last one folded; nothing for None."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    *others, last = header
    for title in others:
        table.add_column(title, no_wrap=True)
    table.add_column(last, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def print_json(value: Any) -> None:
    """One line, written out at once, so that a reader of a pipe sees it now. Positions are texts."""
    sys.stdout.write(_ENCODER.encode(_plain(value)).decode() + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    """A position is a tuple, which msgspec would write as a list before it asked anybody."""
    from headwater.log import Position

    if isinstance(value, Position):
        return str(value)
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def size_text(count: int) -> str:
    """Bytes as people read them: ``1.5 MiB``."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
