"""Binding: what fills the parameters of a handler, and what becomes of its result."""
