"""Predictions -> Parse."""
