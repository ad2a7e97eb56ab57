"""Serving: what every request and response passes through, and what is counted of it."""
