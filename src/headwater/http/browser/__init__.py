"""What browsers hold an API to: other origins, cross-site requests, security headers."""
