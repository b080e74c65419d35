"""One measure a file, integer counts first."""
