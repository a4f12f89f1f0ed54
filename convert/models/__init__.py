"""Float networks: named ones, their weights, and models of the user's own."""
