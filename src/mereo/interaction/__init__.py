"""What a person asks a parser about one picture: why, from where, and what belongs together."""
