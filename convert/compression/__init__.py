"""A smaller network from a trained one: which channels go, and what is left."""
