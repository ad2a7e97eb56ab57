"""The app that routes are declared on."""

from headwater import App

app = App("directory", description="People and cities.")
