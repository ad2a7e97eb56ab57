"""Every consumer of the document does what the document says of it."""

from uuid import UUID

from in_write_consumers.app import OrderCancelled, OrderPlaced

from headwater.testing import RunningBackend

PRODUCT, FIRST, SECOND = UUID(int=1), UUID(int=2), UUID(int=3)


async def test_the_consumers_of_the_document(backend: RunningBackend) -> None:
    async with backend.transaction() as tx:
        await tx.run("insert into shop.product (id, name, stock) values ($1, 'Mug', 4)", PRODUCT)
        await tx.run("insert into shop.order_ (id, product) values ($1, $3), ($2, $3)", FIRST, SECOND, PRODUCT)
        tx.emit(
            OrderPlaced(order=FIRST, product=PRODUCT, quantity=4),
            OrderPlaced(order=SECOND, product=PRODUCT, quantity=1),
        )
        tx.emit(OrderCancelled(order=SECOND, product=PRODUCT))
    await backend.settle()
    assert await backend.db.all(str, "select state from shop.order_ order by id") == ["reserved", "rejected"]
    assert await backend.db.one(int, "select stock from shop.product") == 0
    assert await backend.db.one(int, "select orders from shop.order_count") == 1
    assert await backend.db.one(int, "select quantity from shop.total") == 5
    assert await backend.db.all(UUID, "select product from shop.scarce") == [PRODUCT]
