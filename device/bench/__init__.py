"""The benchmark: every combination in a process of its own, in rounds, with what disturbed it."""
