"""The document of every app is an OpenAPI 3.1 document, and every example in it fits its schema."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from tests.conformance.apps import APPS, AppCase

EVERY_APP = pytest.mark.parametrize("case", APPS, ids=lambda case: case.name)


@EVERY_APP
def test_the_document_is_one(case: AppCase) -> None:
    errors = OPENAPI_31_VALIDATOR.iter_errors(case.load().openapi())
    assert [f"{error.instance_path}: {error.message}" for error in errors] == []


@EVERY_APP
def test_every_example_fits_its_schema(case: AppCase) -> None:
    document = case.load().openapi()
    found = list(examples_of(document))
    assert found
    for schema, example in found:
        whole = {**schema, "components": document["components"]}
        jsonschema_rs.validator_for(whole, validate_formats=True).validate(example)


@EVERY_APP
def test_every_body_and_every_answer_has_an_example(case: AppCase) -> None:
    lacking = [
        place
        for place, content in contents_of(case.load().openapi())
        if content["schema"] != {} and not content.keys() & {"example", "examples"}
    ]
    assert lacking == []


def examples_of(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each example beside a schema, of bodies, answers, parameters and headers, and those inside of schemas."""
    if isinstance(node, list):
        for each in node:
            yield from examples_of(each)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("schema"), dict):
        if "example" in node:
            yield node["schema"], node["example"]
        for example in node.get("examples", {}).values():
            yield node["schema"], example["value"]
    elif isinstance(node.get("examples"), list):
        for example in node["examples"]:
            yield {key: value for key, value in node.items() if key != "examples"}, example
    for key, value in node.items():
        if key not in ("example", "examples"):
            yield from examples_of(value)


def contents_of(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each ``content`` by media type, with its place in the document."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "content" and isinstance(value, dict):
                yield from ((f"{place}/content/{media_type}", content) for media_type, content in value.items())
            else:
                yield from contents_of(value, f"{place}/{key}")
