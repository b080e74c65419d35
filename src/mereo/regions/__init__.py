"""Pixels to regions: how an image is divided, and how features are pooled over the pieces and spread back."""
