"""Training a network on the user's own images: dataset, targets, loop, bundle."""
