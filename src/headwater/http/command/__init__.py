"""Commands: the transaction, the Idempotency-Key, the stored response."""
