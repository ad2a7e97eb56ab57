"""Breaking changes that are meant, and those that nobody declared."""

from pathlib import Path

import pytest

from headwater.api import Change, judge, read_declared
from headwater.api.declared import Declared, write_declaration
from headwater.api.errors import DeclarationsInvalid

GONE = Change(
    operation="GET /products/{id}",
    rule="field-removed",
    location="response 200 application/json /price",
    detail="the field was removed",
    breaking=True,
)
COME = Change(
    operation="GET /products", rule="parameter-added", location="query parameter a", detail="", breaking=False
)


def declared(**fields: str) -> Declared:
    whole = {"operation": GONE.operation, "what": GONE.what, "why": "because", **fields}
    return Declared(**whole)


def test_a_breaking_change_has_to_be_declared_and_another_has_not() -> None:
    assert judge([GONE, COME], []).undeclared == [GONE]
    assert judge([GONE, COME], [declared()]) == ([], [])


@pytest.mark.parametrize(
    "fields", [{"operation": "*"}, {"operation": "GET *"}, {"what": "field-removed * /price"}, {"version": "1"}]
)
def test_a_declaration_may_stand_for_several(fields: dict[str, str]) -> None:
    assert judge([GONE], [declared(**fields)], "1", "1") == ([], [])


def test_a_declaration_of_what_does_not_happen_is_reported() -> None:
    other = declared(what="field-removed response 200 application/json /name")
    assert judge([GONE], [declared(), other]).stale == [other]
    assert judge([], [declared(version="2")], "1", "1") == ([], [])
    assert judge([], [declared(to="2")], "1", "1") == ([], [])
    assert judge([GONE], [declared(version="1", to="2")], "1", "1").undeclared == [GONE]


def test_brackets_and_question_marks_stand_for_themselves() -> None:
    odd = Change(
        operation="GET /x", rule="parameter-removed", location="query parameter a[b]?", detail="", breaking=True
    )
    assert judge([odd], [declared(operation="GET /x", what=odd.what)]) == ([], [])


def test_what_is_written_as_a_declaration_is_read_as_one(tmp_path: Path) -> None:
    file = tmp_path / "changes.toml"
    for versions in ((None, None), ("1", "1"), ("1", "2")):
        file.write_text(write_declaration(GONE, *versions).replace('why = ""', 'why = "because"'))
        assert judge([GONE], read_declared(file), *versions) == ([], [])


def test_what_is_written_says_between_which_versions_it_holds() -> None:
    assert 'version = "1"\nto = "2"\n' in write_declaration(GONE, "1", "2")
    within = write_declaration(GONE, "1", "1")
    assert 'version = "1"\n' in within
    assert "to =" not in within


@pytest.mark.parametrize("fields", [{}, {"version": "1"}])
def test_a_declaration_within_a_version_excuses_nothing_between_two(fields: dict[str, str]) -> None:
    assert judge([GONE], [declared(**fields)], "1", "1") == ([], [])
    assert judge([GONE], [declared(**fields)], "1", "2") == ([GONE], [])


@pytest.mark.parametrize("fields", [{"to": "2"}, {"version": "1", "to": "2"}])
def test_a_declaration_between_two_versions_excuses_nothing_within_one(fields: dict[str, str]) -> None:
    assert judge([GONE], [declared(**fields)], "1", "2") == ([], [])
    assert judge([GONE], [declared(**fields)], "1", "1") == ([GONE], [])
    assert judge([GONE], [declared(**fields)], "2", "2") == ([GONE], [])


@pytest.mark.parametrize(
    "text",
    ["[[breaking", "[[breaking]]\nwhat = 'x'", "[[braking]]\n", "[[breaking]]\noperation='a'\nwhat='b'\nwhy=' '"],
)
def test_a_declaration_without_reason_or_sense_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "changes.toml"
    file.write_text(text)
    with pytest.raises(DeclarationsInvalid, match="changes"):
        read_declared(file)
