"""Binding: from a request to the parameters of a handler, and from its result to a response."""
