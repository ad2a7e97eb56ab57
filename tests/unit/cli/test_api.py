"""`headwater api`: the document written down, and what changed since."""

import json
from pathlib import Path

import pytest

from headwater.api.errors import DocumentInvalid, DocumentUnreadable, NothingToCompare
from headwater.cli import api

BACKEND = """
from headwater import App, Backend, Row, Versions

app = App("{name}")

class Product(Row):
    cents: int

class ProductV1(Row):
    price: int

@app.downgrade("1")
def show_old(product: Product) -> ProductV1:
    return ProductV1(price=product.cents // 100)

@app.query("GET /products")
async def list_products() -> list[Product]:
    return []

backend = Backend(app, versions=Versions("1", "2"))
"""


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A backend of two versions, in a module of its own, which is also where the files are."""
    name = f"priced_{abs(hash(tmp_path)):x}"[:30]
    (tmp_path / f"{name}.py").write_text(BACKEND.format(name=name))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return f"{name}:backend"


def test_a_recorded_version_that_still_holds_has_no_changes(backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = Path("openapi/v1.json")
    api.show(version="1", output=recorded, app=backend)
    assert json.loads(recorded.read_text())["info"]["version"] == "1"
    api.diff(recorded, app=backend)
    assert capsys.readouterr().out == "No changes.\n"


def test_what_breaks_between_two_versions_fails_until_it_is_declared(
    backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as failed:
        api.diff(from_="1", to="2", app=backend)
    assert failed.value.code == 1
    shown = capsys.readouterr().out
    assert "BREAKING" in shown
    assert 'what = "field-removed response 200 application/json /*/price"' in shown
    assert '[[breaking]]\nversion = "1"\nto = "2"\noperation = ' in shown
    declared = Path("changes.toml")
    declared.write_text(
        '[[breaking]]\nversion = "1"\nto = "2"\noperation = "*"\nwhat = "field-removed * /*/price"\n'
        'why = "In cents now."\n'
        '[[breaking]]\nto = "2"\noperation = "GET /gone"\nwhat = "operation-removed"\nwhy = "Never used."\n'
    )
    api.diff(from_="1", to="2", changes=declared, app=backend)
    shown = capsys.readouterr().out
    assert "breaking, declared" in shown
    assert "Declared, but no longer found: GET /gone: operation-removed" in shown


def test_a_version_that_the_code_no_longer_has_is_a_breaking_change(
    backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = Path("v0.json")
    api.show(version="1", output=recorded, app=backend)
    document = json.loads(recorded.read_text())
    document["info"]["version"] = "0"
    document["x-headwater-versions"].append({"name": "0"})
    recorded.write_text(json.dumps(document))
    with pytest.raises(SystemExit):
        api.diff(recorded, app=backend, json=True)
    (change,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (change["rule"], change["location"], change["breaking"], change["declared"]) == (
        "version-removed",
        "0",
        True,
        False,
    )


def test_two_files_need_no_backend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = tmp_path / "one.json"
    one.write_text('{"openapi": "3.1.0", "info": {}, "paths": {}}')
    api.diff(one, one)
    assert capsys.readouterr().out == "No changes.\n"


def test_what_cannot_be_compared_is_said_plainly(tmp_path: Path) -> None:
    missing, other = tmp_path / "v1.json", tmp_path / "other.json"
    other.write_text("[]")
    with pytest.raises(NothingToCompare, match=r"^There is nothing to compare: name a recorded document, "):
        api.diff()
    with pytest.raises(NothingToCompare, match=r"^Both v1\.json and --from 1 were given to compare with: name "):
        api.diff(Path("v1.json"), from_="1")
    with pytest.raises(DocumentUnreadable, match=r"v1\.json cannot be read: No such file or directory\.$"):
        api.diff(missing, other)
    with pytest.raises(DocumentInvalid, match=r"other\.json is not an OpenAPI 3 document: `openapi` or "):
        api.diff(other, other)
