"""What the shop stores, what it shows, and the one fact that it announces."""

from typing import Annotated, Literal
from uuid import UUID

from headwater import Event, Meta, Row

Quantity = Annotated[int, Meta(ge=1, le=1000)]
OrderState = Literal["placed", "reserved", "rejected"]


class Product(Row, table="shop.product"):
    """`price` is in cents; `stock` is what no order has reserved yet."""

    id: UUID
    name: str
    price: int
    stock: int


class NewOrder(Row, forbid_unknown_fields=True):
    """What a buyer asks for."""

    product: UUID
    quantity: Quantity


class Order(Row, table="shop.order_"):
    """`placed` until its stock has been looked at; then `reserved` or `rejected`, for good."""

    id: UUID
    product: UUID
    quantity: int
    state: OrderState


class OrderPlaced(Event, key="product"):
    """Ordered by product: who asks for one first is served first."""

    order: UUID
    product: UUID
    quantity: int
