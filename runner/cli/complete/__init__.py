"""Completion of commands, options and values in a shell."""
