"""The app that routes and consumers are declared on."""

from headwater import App

app = App("expenses")
