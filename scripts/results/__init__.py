"""Results: the commands that measure, and what is taken from the files that they leave."""
