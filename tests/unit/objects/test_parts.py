"""A run of parts reads as one run of bytes."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from headwater.objects.parts import StoredPart, prefix_of, size_of, slices


@given(st.lists(st.binary(max_size=6), max_size=8), st.integers(0, 60), st.integers(0, 60))
def test_slices_are_the_bytes_between(contents: list[bytes], start: int, stop: int) -> None:
    parts = [StoredPart(str(number), len(content)) for number, content in enumerate(contents)]
    read = b"".join(contents[int(each.name)][each.start : each.stop] for each in slices(parts, start, stop))
    assert read == b"".join(contents)[start:stop]
    assert size_of(parts) == len(b"".join(contents))


def test_parts_of_an_upload_lie_below_its_id() -> None:
    id = UUID("12345678-1234-4234-9234-123456789abc")
    assert prefix_of(id) == "uploads/12/12345678123442349234123456789abc"
