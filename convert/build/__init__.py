"""The build of a bundle: variants converted, checked, and written whole."""
