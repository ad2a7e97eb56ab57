"""Headwater's side of the comparisons: small processes that run parts of the product as it runs them."""
