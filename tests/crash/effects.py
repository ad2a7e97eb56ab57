"""The consumers of a campaign: their effect is a row for every event they apply."""

CONSUMERS = ()
