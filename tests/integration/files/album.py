"""A backend with files: pictures that are kept, shown and given up."""

from typing import Annotated
from uuid import UUID

from headwater import App, Backend, Db, Download, Event, Header, Objects, Problem, Row, Tx, Upload

MIB = 1024 * 1024
LIMIT = 20 * MIB

app = App("album")


class Picture(Row):
    id: UUID
    title: str
    object: UUID


class PictureAdded(Event, key="picture"):
    picture: UUID


class Added(Row):
    id: UUID
    size: int
    media_type: str
    filename: str | None
    sha256: str


def added(picture: Picture, upload: Upload) -> Added:
    assert upload.sha256 is not None
    return Added(
        id=picture.id,
        size=upload.size,
        media_type=upload.media_type,
        filename=upload.filename,
        sha256=upload.sha256.hex(),
    )


@app.command("POST /pictures", status=201, upload_limit=LIMIT, media_types=("image/*", "text/plain"))
async def add_picture(tx: Tx, upload: Upload, title: str = "untitled") -> Added:
    """Add a picture."""
    sql = "insert into album.picture (title, object) values ($1, $2) returning *"
    picture = await tx.one(Picture, sql, title, upload.id)
    if title == "refused":
        raise Problem(409, detail="Nobody wants this picture.")
    tx.emit(PictureAdded(picture=picture.id))
    return added(picture, upload)


@app.command("PUT /anything/{name}", upload_limit=500 * MIB)
async def put_anything(tx: Tx, upload: Upload, name: str) -> Added:
    """Keep anything under a name."""
    sql = "insert into album.picture (title, object) values ($1, $2) returning *"
    picture = await tx.one(Picture, sql, name, upload.id)
    return added(picture, upload)


@app.uploads("/uploads", limit=500 * MIB)
async def attach(tx: Tx, upload: Upload, objects: Objects) -> None:
    """Keep what was uploaded in pieces."""
    assert repr(objects).startswith("Objects(")
    title = upload.metadata.get("title", upload.filename or "untitled")
    picture = await tx.one(
        Picture, "insert into album.picture (title, object) values ($1, $2) returning *", title, upload.id
    )
    if title == "refused":
        raise Problem(403, detail="Nobody wants this picture.")
    tx.emit(PictureAdded(picture=picture.id))


@app.uploads("/images", limit=MIB, media_types=("image/*",))
async def attach_image(tx: Tx, upload: Upload) -> None:
    """Keep an image."""
    await tx.run("insert into album.picture (title, object) values ($1, $2)", upload.media_type, upload.id)


@app.query("GET /pictures/{id}/file")
async def show_file(db: Db, id: UUID, save: bool = False) -> Download:
    """The picture itself."""
    picture = await db.one(Picture, "select * from album.picture where id = $1", id)
    return Download(picture.object, attachment=save)


@app.query("GET /exports/{name}")
async def show_export(name: str, kind: Annotated[str, Header("X-Kind")] = "text/csv") -> Download:
    """What was stored under a key."""
    return Download(f"exports/{name}", media_type=kind)


@app.command("DELETE /pictures/{id}")
async def remove_picture(tx: Tx, objects: Objects, id: UUID) -> None:
    """Give a picture up."""
    picture = await tx.one(Picture, "delete from album.picture where id = $1 returning *", id)
    await objects.discard(tx, picture.object)


backend = Backend(app)
