"""The app that routes are declared on."""

from headwater import App

app = App("people", description="People and their API keys.")
