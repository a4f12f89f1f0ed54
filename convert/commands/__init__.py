"""The commands of ``python -m convert`` and their flags."""
