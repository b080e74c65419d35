"""The studio and the service: one HTTP application over parsers, and a static page on top of it."""
