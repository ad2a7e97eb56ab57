"""A shop: products, orders, stock. The reference app of Headwater, in layers:

rows.py      types: rows, request bodies, events
store.py     SQL, and nothing else
routes.py    HTTP: requests and responses
versions.py  converters for the older version of the API
stock.py     the consumer: reserves the stock of a committed order, or rejects the order
seed.py      demo data
backend.py   the backend
"""

from apps.shop.backend import backend

__all__ = ["backend"]
