"""What commands print: tables for people, JSON for programs."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

CONSUMER_COLUMNS = ("consumer", "entries behind", "seconds behind", "keys in retry", "keys parked")

PIPE_WIDTH = 200

_ENCODER = msgspec.json.Encoder(enc_hook=str)


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Columns are as wide as their content, the last one wraps; None is printed as nothing."""
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
    """Print one line and flush it, so that the reader of a pipe sees it at once. Positions are strings."""
    sys.stdout.write(_ENCODER.encode(_plain(value)).decode() + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    """Positions as strings: they are tuples, which msgspec would encode as lists without calling `enc_hook`."""
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
    """A number of bytes, such as ``1.5 MiB``."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
