"""Checkpoints of Hugging Face become parsers with the same answers; other programs' names stand here alone."""
