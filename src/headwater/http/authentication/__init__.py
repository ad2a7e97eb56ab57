"""Identity: who asks, by which credential, where they may come in, and that no other site made them ask."""
