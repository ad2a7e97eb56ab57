"""Serving: the server, health, access log, metrics, mounts and error responses."""
