"""Segments of many photographs, found again by what they look like and what surrounds them."""
