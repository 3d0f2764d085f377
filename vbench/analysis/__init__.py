"""What is shown of a run, computed once."""
