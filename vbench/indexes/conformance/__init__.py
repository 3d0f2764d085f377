"""Checks whether an index keeps the protocol, and says where it does not."""
