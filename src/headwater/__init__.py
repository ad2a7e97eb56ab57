"""Headwater: commit once to PostgreSQL; everything downstream follows the write-ahead log."""
