"""Two-tower training on interactions, as an optional way to get vectors that mean something."""
