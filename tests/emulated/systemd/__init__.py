"""A service's life under a real systemd, in an emulated machine: ``make test-systemd``."""
