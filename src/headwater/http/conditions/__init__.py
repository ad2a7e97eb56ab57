"""Conditional requests: validators of responses, and preconditions of requests (RFC 9110 section 13)."""
