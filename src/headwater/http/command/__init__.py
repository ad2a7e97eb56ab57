"""Commands: the transaction, the Idempotency-Key, the answer that is kept."""
