"""Doubt ends here: by evidence, or by a person's word."""
