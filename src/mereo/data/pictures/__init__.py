"""Picture files: opened in one place, bounded before decoding, upright, 8-bit RGB."""
