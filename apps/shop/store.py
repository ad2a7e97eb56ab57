"""SQL, and nothing else: each function is one statement."""

from uuid import UUID

from apps.shop.rows import NewOrder, Order, OrderState, Product
from headwater import Db, Tx, uuid7

PRODUCT = "id, name, price, stock"
ORDER = "id, product, quantity, state"


async def product(db: Db, id: UUID) -> Product:
    return await db.one(Product, f"select {PRODUCT} from shop.product where id = $1", id)


async def order(db: Db, id: UUID) -> Order:
    return await db.one(Order, f"select {ORDER} from shop.order_ where id = $1", id)


async def add_order(tx: Tx, order: NewOrder) -> Order:
    """Raises `ReferenceMissing` if the product does not exist."""
    return await tx.one(
        Order,
        f"insert into shop.order_ (id, product, quantity) values ($1, $2, $3) returning {ORDER}",
        uuid7(),
        order.product,
        order.quantity,
    )


async def take_stock(tx: Tx, product: UUID, quantity: int) -> bool:
    """Take the quantity or nothing. Checking and taking are one statement, so two orders never take the same stock."""
    return (
        await tx.run("update shop.product set stock = stock - $2 where id = $1 and stock >= $2", product, quantity) == 1
    )


async def settle_order(tx: Tx, id: UUID, state: OrderState) -> None:
    await tx.run("update shop.order_ set state = $2 where id = $1", id, state)
