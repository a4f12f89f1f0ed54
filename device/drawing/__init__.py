"""Boxes, labels and a status line painted on an image, readable at any size and on any ground."""
