"""Regions to better features: stages that pool over regions, reason over them and give maps of the same shapes."""
