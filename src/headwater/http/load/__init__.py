"""Load: how many requests are worked on at once, for how long, and which are refused before they wait in vain."""
