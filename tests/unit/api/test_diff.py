"""Two documents compared: what breaks whom."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.api import Change, compare
from headwater.api.errors import DocumentInvalid, ReferenceUnresolved

Document = dict[str, Any]


def document(**operation: Any) -> Document:
    """A document of one operation."""
    return {"openapi": "3.1.0", "info": {"version": "1"}, "paths": {"/x": {"post": {"responses": {}, **operation}}}}


def receiving(schema: Any, **components: Any) -> Document:
    """One whose answer is of a schema."""
    content = {"application/json": {"schema": schema}}
    return {**document(responses={"200": {"content": content}}), "components": {"schemas": components}}


def sending(schema: Any, **components: Any) -> Document:
    """One whose body is of a schema."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {**document(requestBody=body), "components": {"schemas": components}}


def fields(required: str = "", **properties: Any) -> Document:
    return {"type": "object", "properties": properties, "required": required.split()}


def parameter(name: str = "a", where: str = "query", required: bool = False, **schema: Any) -> Document:
    return {"name": name, "in": where, "required": required, "schema": schema or {"type": "string"}}


STRING, INTEGER, NUMBER, NULL = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "null"}
CLOSED = {"additionalProperties": False}

SCHEMAS = [
    # name, before, after, rules, breaks the sender, breaks the receiver
    ("a field is added", fields(), fields(a=STRING), ["field-added"], False, False),
    ("a field is added that must be there", fields(), fields("a", a=STRING), ["field-added"], True, False),
    ("a field goes", fields(a=STRING), fields(), ["field-removed"], False, True),
    ("a field goes that is then refused", {**fields(a=STRING), **CLOSED}, {**fields(), **CLOSED},
     ["field-removed"], True, True),
    ("a field must be there", fields(a=STRING), fields("a", a=STRING), ["field-required"], True, False),
    ("a field may be left out", fields("a", a=STRING), fields(a=STRING), ["field-optional"], False, True),
    ("null becomes possible", STRING, {"anyOf": [STRING, NULL]}, ["type-added"], False, True),
    ("null becomes impossible", {"type": ["string", "null"]}, STRING, ["type-removed"], True, False),
    ("another type", STRING, INTEGER, ["type-removed", "type-added"], True, True),
    ("integers to numbers", INTEGER, NUMBER, ["type-unlimited"], False, True),
    ("numbers to integers", NUMBER, INTEGER, ["type-limited"], True, False),
    ("anything to strings", {}, STRING, ["type-limited"], True, False),
    ("strings to anything", STRING, True, ["type-unlimited"], False, True),
    ("a value goes", {"enum": ["a", "b"]}, {"enum": ["a"]}, ["value-removed"], True, False),
    ("a value comes", {"enum": ["a"]}, {"enum": ["a", "b"]}, ["value-added"], False, True),
    ("null among the values", {"enum": ["a"]}, {"enum": ["a", None]}, ["type-added"], False, True),
    ("only some values", STRING, {"type": "string", "enum": ["a"]}, ["values-limited"], True, False),
    ("one value is any", {"const": "a"}, STRING, ["values-unlimited"], False, True),
    ("const and enum are the same", {"const": "a"}, {"enum": ["a"]}, [], False, False),
    ("a lower bound", INTEGER, {**INTEGER, "minimum": 1}, ["range-narrowed"], True, False),
    ("a lower bound falls", {**INTEGER, "minimum": 1}, {**INTEGER, "minimum": 0}, ["range-widened"], False, True),
    ("an upper bound falls", {**STRING, "maxLength": 9}, {**STRING, "maxLength": 8}, ["range-narrowed"], True, False),
    ("a pattern", STRING, {**STRING, "pattern": "a"}, ["constraint-added"], True, False),
    ("another pattern", {**STRING, "pattern": "b"}, {**STRING, "pattern": "a"}, ["constraint-changed"], True, True),
    ("no format", {**STRING, "format": "uuid"}, STRING, ["constraint-removed"], False, True),
    ("unique items", {"type": "array"}, {"type": "array", "uniqueItems": True}, ["constraint-added"], True, False),
    ("other items", {"type": "array", "items": INTEGER}, {"type": "array", "items": NUMBER},
     ["type-unlimited"], False, True),
    ("other values", {"type": "object", "additionalProperties": NUMBER},
     {"type": "object", "additionalProperties": INTEGER}, ["type-limited"], True, False),
    ("fields not named are refused", fields(), {**fields(), **CLOSED}, ["closed"], True, False),
    ("a tuple", {"type": "array", "prefixItems": [STRING], "items": False},
     {"type": "array", "prefixItems": [STRING, STRING], "items": False}, ["constraint-removed"], False, True),
    ("a default", {**INTEGER, "default": 1}, {**INTEGER, "default": 2}, ["default-changed"], False, False),
    ("words", {**STRING, "description": "a"}, {**STRING, "description": "b", "title": "c"}, [], False, False),
    ("parts are put together", {"allOf": [fields("a", a=STRING)], "properties": {"b": STRING}},
     fields("a", a=STRING, b=STRING), [], False, False),
    ("alternatives by tag", {"anyOf": [fields("t", t={"const": 1}, a=STRING), fields("t", t={"const": 2})]},
     {"anyOf": [fields("t", t={"const": 2}), fields("t", t={"const": 1}, a=INTEGER), fields("t", t={"const": 3})]},
     ["type-removed", "type-added", "type-added"], True, True),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "rules", "sender", "receiver"), [each[1:] for each in SCHEMAS],
                         ids=[each[0] for each in SCHEMAS])  # fmt: skip
def test_a_schema_breaks_those_who_send_when_it_narrows_and_those_who_receive_when_it_widens(
    before: Any, after: Any, rules: list[str], sender: bool, receiver: bool
) -> None:
    sent, received = compare(sending(before), sending(after)), compare(receiving(before), receiving(after))
    assert sorted(each.rule for each in sent) == sorted(rules)
    assert sorted(each.rule for each in received) == sorted(rules)
    assert any(each.breaking for each in sent) is sender
    assert any(each.breaking for each in received) is receiver


OPERATIONS = [
    ("an operation goes", document(), {**document(), "paths": {}}, [("operation-removed", True)]),
    ("an operation comes", {**document(), "paths": {}}, document(), [("operation-added", False)]),
    ("another method", document(), {**document(), "paths": {"/x": {"get": {}}}},
     [("operation-added", False), ("operation-removed", True)]),
    ("a parameter comes", document(), document(parameters=[parameter()]), [("parameter-added", False)]),
    ("a needed parameter comes", document(), document(parameters=[parameter(required=True)]),
     [("parameter-added", True)]),
    ("a parameter goes", document(parameters=[parameter()]), document(), [("parameter-removed", True)]),
    ("a parameter is needed", document(parameters=[parameter()]), document(parameters=[parameter(required=True)]),
     [("parameter-required", True)]),
    ("a parameter narrows", document(parameters=[parameter()]), document(parameters=[parameter(enum=["a"])]),
     [("values-limited", True)]),
    ("a header in other case", document(parameters=[parameter("A-B", "header")]),
     document(parameters=[parameter("a-b", "header")]), []),
    ("a body is needed", document(requestBody={}), document(requestBody={"required": True, "content": {}}),
     [("body-added", True)]),
    ("a body becomes optional", sending(STRING),
     {**sending(STRING), **document(requestBody={"content": {"application/json": {"schema": STRING}}})},
     [("body-optional", False)]),
    ("another status", document(responses={"200": {}}), document(responses={"201": {}}),
     [("response-added", False), ("response-removed", True)]),
    ("an error goes", document(responses={"409": {}}), document(), [("response-removed", False)]),
    ("another media type", document(responses={"200": {"content": {"a/b": {}}}}),
     document(responses={"200": {"content": {"a/c": {}}}}),
     [("media-type-added", False), ("media-type-removed", True)]),
    ("a vendor's version", document(responses={"200": {"content": {"a/b; version=1": {}}}}),
     document(responses={"200": {"content": {"a/b; version=2": {}}}}), []),
    ("a header goes", document(responses={"200": {"headers": {"ETag": {}}}}), document(responses={"200": {}}),
     [("header-removed", True)]),
    ("a credential is asked for", document(), document(security=[{"key": []}]),
     [("security-added", False), ("security-removed", True)]),
    ("another credential does as well", document(security=[{"key": []}]),
     document(security=[{"key": []}, {"bearer": []}]), [("security-added", False)]),
    ("a scope is asked for", document(security=[{"key": []}]), document(security=[{"key": ["write"]}]),
     [("security-added", False), ("security-removed", True)]),
    ("nothing is asked for", document(security=[{"key": []}]), document(security=[]),
     [("security-added", False), ("security-removed", False)]),
    ("deprecated", document(), document(deprecated=True), [("deprecated", False)]),
    ("renamed", document(operationId="a"), document(operationId="b"), [("operation-renamed", False)]),
    ("a version goes", {**document(), "x-headwater-versions": [{"name": "1"}]}, document(),
     [("version-removed", True)]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), [each[1:] for each in OPERATIONS],
                         ids=[each[0] for each in OPERATIONS])  # fmt: skip
def test_an_operation_breaks_its_clients_when_less_is_accepted_or_answered(
    before: Document, after: Document, expected: list[tuple[str, bool]]
) -> None:
    assert sorted((each.rule, each.breaking) for each in compare(before, after)) == expected


def test_a_change_says_where_it_is() -> None:
    page = {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/P"}}}}
    old, new = receiving(page, P=fields(price=INTEGER)), receiving(page, P=fields(cents=INTEGER))
    gone, come = compare(old, new)
    assert gone == Change(
        operation="POST /x",
        rule="field-removed",
        location="response 200 application/json /items/*/price",
        detail="the field was removed",
        breaking=True,
    )
    assert come.what == "field-added response 200 application/json /items/*/cents"


def test_the_name_of_a_parameter_in_a_path_is_nobodys_business() -> None:
    def of(name: str, **schema: Any) -> Document:
        operation = {"parameters": [parameter(name, "path", True, **schema)], "responses": {}}
        return {**document(), "paths": {f"/x/{{{name}}}": {"get": operation}}}

    assert compare(of("id"), of("order")) == []
    assert [each.rule for each in compare(of("id"), of("order", type="string", format="uuid"))] == ["constraint-added"]


def test_what_says_which_version_is_meant_does_not_count() -> None:
    def of(version: str) -> Document:
        said = {**parameter("API-Version", "header", enum=[version]), "x-headwater-version": True}
        return document(
            parameters=[said], responses={"200": {"headers": {"API-Version": {"x-headwater-version": True}}}}
        )

    assert compare(of("1"), of("2")) == []
    assert compare(of("1"), document(responses={"200": {}})) == []


def test_types_that_hold_themselves_are_followed_once_around() -> None:
    tree = fields("children", children={"type": "array", "items": {"$ref": "#/components/schemas/T"}}, a=STRING)
    old = receiving({"$ref": "#/components/schemas/T"}, T=tree)
    new = copy.deepcopy(old)
    new["components"]["schemas"]["T"]["properties"]["a"] = INTEGER
    assert compare(old, copy.deepcopy(old)) == []
    assert {each.location for each in compare(old, new)} == {"response 200 application/json /a"}
    loop = receiving({"$ref": "#/components/schemas/L"}, L={"anyOf": [{"$ref": "#/components/schemas/L"}, STRING]})
    assert compare(loop, copy.deepcopy(loop)) == []


@pytest.mark.parametrize("reference", ["#/components/schemas/None", "other.json#/a", "#/components/schemas/Self"])
def test_a_reference_that_leads_nowhere_is_named(reference: str) -> None:
    broken = receiving({"$ref": reference}, Self={"$ref": "#/components/schemas/Self"})
    with pytest.raises(ReferenceUnresolved, match=reference.replace(".", r"\.")):
        compare(broken, broken)


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(DocumentInvalid):
        compare({}, document())


names = st.sampled_from(["a", "b", "c"])
scalars = st.one_of(
    st.just({}),
    st.sampled_from([STRING, INTEGER, NUMBER, NULL, {"type": "boolean"}]),
    st.fixed_dictionaries(
        {"type": st.just("integer")}, optional={"minimum": st.integers(0, 2), "maximum": st.integers(3, 5)}
    ),
    st.fixed_dictionaries({"type": st.just("string")}, optional={"pattern": names, "format": names, "default": names}),
    st.lists(st.sampled_from(["a", "b", "c", 1, 2, None]), min_size=1, unique_by=repr).map(
        lambda values: {"enum": values}
    ),
    st.sampled_from(["A", "B"]).map(lambda name: {"$ref": f"#/components/schemas/{name}"}),
)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda properties, required, closed: {
            "type": "object",
            "properties": properties,
            "required": sorted(required & set(properties)),
            **(CLOSED if closed else {}),
        },
        st.dictionaries(names, inner),
        st.sets(names),
        st.booleans(),
    )


schemas = st.recursive(
    scalars,
    lambda inner: st.one_of(
        _objects(inner),
        inner.map(lambda items: {"type": "array", "items": items}),
        inner.map(lambda values: {"type": "object", "additionalProperties": values}),
        st.lists(inner, min_size=1, max_size=3).map(lambda members: {"anyOf": members}),
        st.lists(_objects(inner), min_size=1, max_size=2).map(lambda parts: {"allOf": parts}),
    ),
    max_leaves=8,
)
contents = st.dictionaries(
    st.sampled_from(["application/json", "text/plain"]), st.fixed_dictionaries({"schema": schemas})
)
answers = st.fixed_dictionaries({"content": contents})
operations = st.fixed_dictionaries(
    {"responses": st.dictionaries(st.sampled_from(["200", "201", "404"]), answers)},
    optional={
        "parameters": st.lists(
            st.builds(lambda n, w, r, s: {"name": n, "in": w, "required": r, "schema": s}, names,
                      st.sampled_from(["query", "header"]), st.booleans(), schemas),
            unique_by=lambda each: (each["name"], each["in"]),
        ),
        "requestBody": st.fixed_dictionaries({"content": contents, "required": st.booleans()}),
        "operationId": names,
        "deprecated": st.booleans(),
        "security": st.lists(st.dictionaries(names, st.just([])), max_size=2),
    },
)  # fmt: skip
documents = st.builds(
    lambda paths, a, b: {
        "openapi": "3.1.0", "info": {"version": "1"}, "paths": paths, "components": {"schemas": {"A": a, "B": b}}
    },
    st.dictionaries(st.sampled_from(["/x", "/x/{id}"]), st.dictionaries(st.sampled_from(["get", "post"]), operations)),
    _objects(scalars),
    _objects(scalars),
)  # fmt: skip

OPPOSITES = {
    "added": "removed", "required": "optional", "narrowed": "widened", "limited": "unlimited", "opened": "closed",
    "deprecated": "undeprecated",
}  # fmt: skip
OPPOSITES |= {there: here for here, there in OPPOSITES.items()}


def opposite(rule: str) -> str:
    """What a change is called by those who go the other way."""
    head, dash, last = rule.rpartition("-")
    return head + dash + OPPOSITES.get(last, last)


@given(documents)
def test_a_document_has_no_changes_from_itself(one: Document) -> None:
    assert compare(one, copy.deepcopy(one)) == []


@given(documents, documents)
def test_every_addition_is_a_removal_for_those_who_go_back(one: Document, other: Document) -> None:
    there, back = compare(one, other), compare(other, one)
    assert sorted(opposite(each.rule) for each in there) == sorted(each.rule for each in back)


@given(schemas, schemas)
def test_what_breaks_a_sender_one_way_breaks_a_receiver_the_other_way(one: Any, other: Any) -> None:
    """Fields that come and go are the exception: a receiver passes over what it does not know."""
    parts = {"A": fields("a", a=STRING), "B": {"type": "array", "items": {"$ref": "#/components/schemas/B"}}}
    exempt = ("field-added", "field-removed", "closed", "opened")
    there = compare(sending(one, **parts), sending(other, **parts))
    back = compare(receiving(other, **parts), receiving(one, **parts))
    sent = sorted((opposite(each.rule), each.breaking) for each in there if each.rule not in exempt)
    assert sent == sorted((each.rule, each.breaking) for each in back if each.rule not in exempt)
