"""From recipe to trials: plan, isolated workers, clock, resume."""
