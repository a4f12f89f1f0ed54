"""Visits: who came and when, where they were, how many wait; from tracks to counts and rules."""
