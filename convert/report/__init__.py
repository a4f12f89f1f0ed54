"""The report of a bundle: one HTML page of measured costs, with advice."""
