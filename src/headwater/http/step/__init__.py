"""Steps: the parts of an endpoint, and what is known of a route before resources are open."""
