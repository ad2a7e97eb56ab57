"""Asks REDbot about URLs and prints what it notes, one JSON object a line; a process of its own, as its loop is global.

python redbot_notes.py '{"X-Api-Key": "…"}' URL…
"""

import json
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from typing import Any

import thor
from redbot.resource import HttpResource


def main() -> None:
    headers = list(json.loads(sys.argv[1]).items())
    settings = ConfigParser()
    settings.read_dict({"redbot": {"enable_local_access": "True"}})
    resources = []
    for url in sys.argv[2:]:
        resource = HttpResource(settings["redbot"])
        resource.set_request(url, headers=headers)
        resources.append(resource)
        thor.events.on(resource, "check_done")(lambda: None if _waiting(resources) else thor.stop())
    for resource in resources:
        resource.check()
    thor.run()
    for resource in resources:
        for note in _notes(resource):
            print(json.dumps(note))


def _waiting(resources: list[Any]) -> bool:
    return any(not resource.check_done for resource in resources)


def _notes(resource: Any) -> Iterator[dict[str, str]]:
    """Of the resource itself and of the requests that looked at it more closely."""
    for part in (resource, *resource.subreqs.values()):
        assert part.response.complete or part is not resource, f"no answer from {resource.request.uri}"
        for note in part.response.notes:
            yield {
                "url": resource.request.uri,
                "check": str(part.check_name),
                "note": type(note).__name__,
                "level": note.level.name,
                "summary": str(note.summary),
            }


main()
