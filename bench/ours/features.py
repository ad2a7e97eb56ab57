"""The features in Headwater: each is declared on the route, and the handler is the same every time."""

from uuid import UUID

from apps.shop.rows import Product
from bench.features import QUOTA, digest
from headwater import App, Backend, Bearer, Db, Limit, Principal, Row, Versions

app = App("bench")


class OlderProduct(Row):
    """As version 1 showed it: the price in whole units."""

    id: UUID
    title: str
    price: float
    stock: int


@app.downgrade("1")
def older_product(product: Product) -> OlderProduct:
    """A product as version 1 shows it."""
    return OlderProduct(id=product.id, title=product.name, price=product.price / 100, stock=product.stock)


async def show_product(db: Db, id: UUID) -> Product:
    """One product."""
    return await db.one(Product, "select id, name, price, stock from shop.product where id = $1", id)


async def show_product_to(db: Db, id: UUID, principal: Principal) -> Product:
    """One product, to somebody known."""
    return await show_product(db, id)


async def list_products(db: Db) -> list[Product]:
    """The first twenty."""
    return await db.all(Product, "select id, name, price, stock from shop.product order by name, id limit 20")


async def find_person(db: Db, token: str) -> Principal | None:
    """Whose a token is."""
    person = await db.maybe(str, "select person from bench.api_key where digest = $1", digest(token))
    return None if person is None else Principal(id=person)


LIMITS = [Limit("bench", QUOTA, per=60, by="address")]

app.query("GET /plain/products/{id}")(show_product)
app.query("GET /auth/products/{id}")(show_product_to)
app.query("GET /limit/products/{id}", limits=LIMITS)(show_product)
app.query("GET /etag/products/{id}", etag=True)(show_product)
app.query("GET /all/products/{id}", limits=LIMITS, etag=True)(show_product_to)
app.query("GET /list", compress=False)(list_products)
app.query("GET /compressed/products")(list_products)

backend = Backend(app, identify=Bearer(find_person), versions=Versions("1", "2", by=("uri",)))
