"""The commands of ``python -m device``: their flags, and how they are run."""
