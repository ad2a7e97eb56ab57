"""A typed Python client, written from an API's document: one module that needs msgspec and httpx2, nothing of ours."""

from headwater.api.client.module import write_client

__all__ = ["write_client"]
