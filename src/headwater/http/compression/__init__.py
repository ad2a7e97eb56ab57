"""Compression of answers: which coding a client prefers, and the codecs."""
