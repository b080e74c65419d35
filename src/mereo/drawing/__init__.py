"""Every picture that a person sees."""
