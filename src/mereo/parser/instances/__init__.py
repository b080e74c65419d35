"""A trained path under Mask R-CNN: its parser, its objective, its files, its answers."""
