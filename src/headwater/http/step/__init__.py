"""Steps: what an endpoint is made of, and what is known of a route before anything is opened."""
