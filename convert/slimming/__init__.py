"""The search for the cheapest network that keeps a promise: smaller inputs, fewer channels."""
