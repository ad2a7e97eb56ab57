"""Messages: requests, responses and their fields, as RFC 9110 and its relatives define them."""
