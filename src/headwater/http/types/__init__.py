"""Python types as JSON, parameters and schemas."""
