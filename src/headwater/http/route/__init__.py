"""Routes: a method, a path, a handler and its options."""
