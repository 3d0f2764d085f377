"""Workloads: under which condition queries are asked, and what is right under it."""
