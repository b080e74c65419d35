"""Built objects -> a run. Knows no recipe."""
