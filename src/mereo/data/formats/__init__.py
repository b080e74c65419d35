"""One reader a data set layout, and what it needs; two of them are also written."""
