"""The app that routes and consumers are declared on."""

from headwater import App

app = App("links", description="Short links: created, followed, counted.")
