"""The app that routes and consumers are declared on."""

from headwater import App

app = App("tasks", description="Projects, their tasks, and what happened to them.")
