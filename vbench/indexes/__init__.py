"""The index protocol, its registry, and one file for each library behind it."""
