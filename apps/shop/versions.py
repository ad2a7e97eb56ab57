"""Version 1 of the API: prices as strings in units, and orders with an `amount`.

Handlers do not know of it. Each converter is between a type of version 2 and its form in version 1.
"""

from datetime import date
from decimal import Decimal
from uuid import UUID

from apps.shop.app import app
from apps.shop.rows import NewOrder, Order, OrderState, Product, Quantity
from headwater import Deprecated, Row, Versions

VERSIONS = Versions("1", "2", deprecated={"1": Deprecated(at=date(2026, 9, 1))})


class ProductV1(Row):
    """`price` is in units, with two decimal places."""

    id: UUID
    name: str
    price: Decimal
    stock: int


class NewOrderV1(Row, forbid_unknown_fields=True):
    """An order to place."""

    product: UUID
    amount: Quantity


class OrderV1(Row):
    """An order is `placed` until its stock is checked; then it is `reserved` or `rejected`, finally."""

    id: UUID
    product: UUID
    amount: int
    state: OrderState


@app.downgrade("1")
def product_in_units(product: Product) -> ProductV1:
    price = Decimal(product.price).scaleb(-2)
    return ProductV1(id=product.id, name=product.name, price=price, stock=product.stock)


@app.downgrade("1")
def order_with_amount(order: Order) -> OrderV1:
    return OrderV1(id=order.id, product=order.product, amount=order.quantity, state=order.state)


@app.upgrade("1")
def new_order_with_quantity(order: NewOrderV1) -> NewOrder:
    return NewOrder(product=order.product, quantity=order.amount)
