"""The search for the cheapest mixed-precision variant within an accuracy limit."""
