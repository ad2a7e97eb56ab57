"""One module per row: ROWS, what it promises, and `measure`, which keeps or breaks it."""
