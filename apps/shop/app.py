"""The app that routes and consumers are declared on."""

from headwater import App

app = App("shop", description="Products with their stock, and orders for them.")
