"""One run: a YAML file plus `key=value` overrides -> a validated Recipe -> built objects."""
