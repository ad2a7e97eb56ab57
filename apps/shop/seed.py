"""Demo data: three thousand plausible products, the same ones every time."""

import random
from collections.abc import Iterator

from apps.shop.rows import Product
from headwater import Tx, uuid7

COUNT = 3_000

QUALITIES = (
    "Alpine",
    "Classic",
    "Compact",
    "Everyday",
    "Featherweight",
    "Folding",
    "Handmade",
    "Nordic",
    "Rugged",
    "Travel",
)
MATERIALS = ("Aluminium", "Bamboo", "Canvas", "Copper", "Cork", "Linen", "Oak", "Steel", "Titanium", "Wool")
THINGS = {
    "Backpack": 8900, "Blanket": 5400, "Bottle": 2400, "Bowl": 1800, "Chair": 12900, "Desk Lamp": 7400,
    "Kettle": 6400, "Knife": 3900, "Mug": 1400, "Notebook": 1200, "Scarf": 3400, "Stool": 6900,
    "Tent": 24900, "Towel": 2200, "Tray": 2600,
}  # fmt: skip
COLOURS = ("Amber", "Black", "Forest", "Sand")


async def plant(tx: Tx) -> str:
    """Fill an empty shop; returns the text for the start screen."""
    count = await tx.copy("shop.product", products())
    return f"{count:,} products to try it with were added."


def products(count: int = COUNT) -> Iterator[Product]:
    """Products with unique names and plausible prices; one in twenty is scarce."""
    dice = random.Random(2026)
    names = [(q, m, t, c) for q in QUALITIES for m in MATERIALS for t in THINGS for c in COLOURS]
    for quality, material, thing, colour in dice.sample(names, count):
        price = round(THINGS[thing] * dice.uniform(0.6, 1.8), -1) - 1
        stock = dice.randint(1, 5) if dice.random() < 0.05 else dice.randint(20, 500)
        yield Product(id=uuid7(), name=f"{quality} {material} {thing}, {colour}", price=int(price), stock=stock)
