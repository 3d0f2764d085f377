"""A study: several runs, and the figures and tables that are made of them."""
