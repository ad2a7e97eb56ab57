"""Measurements of Headwater against named peers: ``python -m bench``; see README.md beside this file."""
