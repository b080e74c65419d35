"""Feature maps -> predictions. A head never sees targets."""
