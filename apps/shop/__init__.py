"""A shop: products, orders, stock. The reference app of Headwater, in its layers:

rows.py      what is stored, shown and said: rows, requests, events
store.py     SQL, and nothing else
routes.py    HTTP: what a request may say, and what it is answered
versions.py  what older versions of the API showed and took
stock.py     what follows a committed order: stock is reserved, or the order rejected
seed.py      demo data
backend.py   the parts, put together
"""

from apps.shop.backend import backend

__all__ = ["backend"]
