"""HTTP: requests and responses."""

from typing import Annotated
from uuid import UUID

from apps.shop import store
from apps.shop.app import app
from apps.shop.rows import NewOrder, Order, OrderPlaced, Product
from headwater import Db, Listing, Page, Pages, Problem, ReferenceMissing, Tx

PRODUCTS = Pages(Product, sort=("name",))


@app.query("GET /products", etag=True)
async def list_products(db: Db, page: Annotated[Page, PRODUCTS]) -> Listing[Product]:
    """Products by name, a page at a time: `next` is the cursor of the next page."""
    return await page.read(db)


@app.query("GET /products/{id}", etag=True)
async def show_product(db: Db, id: UUID) -> Product:
    """One product, with its remaining stock."""
    return await store.product(db, id)


@app.command("POST /orders", status=201, location="/orders/{id}", idempotency="required")
async def place_order(tx: Tx, order: NewOrder) -> Order:
    """Place an order. Shortly after, its state says whether there was stock for it."""
    try:
        placed = await store.add_order(tx, order)
    except ReferenceMissing:
        raise Problem(422, errors=[{"detail": "There is no such product.", "pointer": "#/product"}]) from None
    tx.emit(OrderPlaced(order=placed.id, product=placed.product, quantity=placed.quantity))
    return placed


@app.query("GET /orders/{id}", etag=True)
async def show_order(db: Db, id: UUID) -> Order:
    """One order, in its current state."""
    return await store.order(db, id)
