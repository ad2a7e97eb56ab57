"""Queries: the innermost call of a route that reads."""
