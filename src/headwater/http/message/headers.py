"""The headers of a request, by case-insensitive name."""

from collections.abc import Iterator, Mapping, Sequence


class Headers(Mapping[str, str]):
    """The values of a repeated header are joined by commas (RFC 9110 section 5.3)."""

    __slots__ = ("_values",)

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._values[name.lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._values)})"  # values may be secrets

    def get_all(self, name: str) -> list[str]:
        """Each value of a header; empty without the header."""
        return list(self._values.get(name.lower(), ()))
