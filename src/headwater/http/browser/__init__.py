"""Rules of browsers: CORS, cross-site requests, security headers."""
