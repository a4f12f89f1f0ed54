"""Events: visits kept in a database, and exported from it."""
