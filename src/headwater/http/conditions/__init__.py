"""Conditional requests: validators of what is answered, and what clients ask for by them (RFC 9110 section 13)."""
