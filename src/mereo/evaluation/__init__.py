"""A parser and labelled samples -> numbers."""
