"""Types: rows, request bodies, and the event."""

from typing import Annotated, Literal
from uuid import UUID

from headwater import Event, Meta, Row

Quantity = Annotated[int, Meta(ge=1, le=1000)]
OrderState = Literal["placed", "reserved", "rejected"]


class Product(Row, table="shop.product"):
    """`price` is in cents; `stock` is the number that no order has reserved."""

    id: UUID
    name: str
    price: int
    stock: int


class NewOrder(Row, forbid_unknown_fields=True):
    """An order to place."""

    product: UUID
    quantity: Quantity


class Order(Row, table="shop.order_"):
    """An order is `placed` until its stock is checked; then it is `reserved` or `rejected`, finally."""

    id: UUID
    product: UUID
    quantity: int
    state: OrderState


class OrderPlaced(Event, key="product"):
    """Its key is the product, so orders of a product are served first come, first served."""

    order: UUID
    product: UUID
    quantity: int
