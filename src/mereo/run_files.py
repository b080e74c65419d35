"""The files of a run folder that others look for, by name. ARCHITECTURE.md has the whole folder."""

RECIPE_FILE = "recipe.yaml"  # The resolved recipe, every default written out.
RUN_FILE = "run.json"  # Machine, commit, command, and where the recipe lay.
METRICS_FILE = "metrics.jsonl"  # A row a step: only what depends on data, recipe and seed.
TIMING_FILE = "timing.json"  # Wall time, which does not.
LAST_PARSER = "last.safetensors"  # The parser after the last step.
BEST_PARSER = "best.safetensors"  # The one that scored best on val; the last one where none was scored on the way.
