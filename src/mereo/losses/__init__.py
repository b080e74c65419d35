"""One loss a file: the function with its equation first, then the module."""
