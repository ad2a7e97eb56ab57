"""The consumer of committed orders."""

from apps.shop import store
from apps.shop.app import app
from apps.shop.rows import OrderPlaced
from headwater import Tx


@app.on(OrderPlaced)
async def reserve_stock(tx: Tx, event: OrderPlaced) -> None:
    """Reserve the stock, or reject the order if there is not enough. Nothing is ever sold twice."""
    taken = await store.take_stock(tx, event.product, event.quantity)
    await store.settle_order(tx, event.order, "reserved" if taken else "rejected")
