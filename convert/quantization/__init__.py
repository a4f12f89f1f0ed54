"""Quantisation: recipes, the converter, and what is done to weights and biases after it."""
