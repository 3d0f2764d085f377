"""Checks whether an index conforms to the protocol, and says where it does not."""
