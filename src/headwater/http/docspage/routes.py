"""The routes of the page at /docs: all files are our own, so it works without internet access.

The page fetches /openapi.json. Its content security policy allows only this origin and no inline code.
"""

from html import escape
from pathlib import Path
from typing import Final

from headwater.http.route.route import Route
from headwater.http.serving.static import static_route

_FOLDER: Final = Path(__file__).parent
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {"Content-Security-Policy": _POLICY}
_KINDS: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def docs_routes(title: str) -> list[Route]:
    """The page and its files."""
    page = (_FOLDER / "index.html").read_text().replace("{title}", escape(title)).encode()
    files = sorted(file for file in _FOLDER.iterdir() if file.suffix in _KINDS)
    return [
        _route("/docs", page, "text/html; charset=utf-8"),
        *(_route(f"/docs/{file.name}", file.read_bytes(), _KINDS[file.suffix]) for file in files),
    ]


def _route(path: str, content: bytes, media_type: str) -> Route:
    return static_route(path, lambda: content, media_type, _HEADERS)
