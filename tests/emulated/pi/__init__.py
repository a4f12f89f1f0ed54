"""Deploying to an emulated Pi: ``make test-pi``."""
