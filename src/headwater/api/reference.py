"""References inside a document: ``{"$ref": "#/components/schemas/Order"}``."""

from typing import Any

from headwater.api.change import Document
from headwater.api.errors import ReferenceUnresolved


def resolve(document: Document, node: Any) -> Document:
    """The node that a reference refers to, with the keywords beside the reference added (JSON Schema 2020-12)."""
    beside: Document = {}
    seen: set[str] = set()
    while isinstance(node, dict) and "$ref" in node:
        reference = node["$ref"]
        if reference in seen:
            raise ReferenceUnresolved(reference=reference)
        seen.add(reference)
        beside = {**{key: value for key, value in node.items() if key != "$ref"}, **beside}
        node = _find(document, reference)
    if isinstance(node, bool):  # a schema that accepts everything, or nothing
        return beside if node else {"not": {}, **beside}
    return {**node, **beside} if beside else node


def identity(node: Any) -> Any:
    """A key that is the same for the same node of a document."""
    return node["$ref"] if isinstance(node, dict) and set(node) == {"$ref"} else id(node)


def _find(document: Document, reference: str) -> Any:
    if not reference.startswith("#"):
        raise ReferenceUnresolved(reference=reference)
    node: Any = document
    for part in reference[1:].split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or name not in node:
            raise ReferenceUnresolved(reference=reference)
        node = node[name]
    return node
