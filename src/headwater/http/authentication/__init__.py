"""Authentication and authorization: credentials, principals, scopes."""
