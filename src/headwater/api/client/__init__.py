"""A typed Python client, generated from an OpenAPI document: one module that needs only msgspec and httpx2."""

from headwater.api.client.module import write_client

__all__ = ["write_client"]
