"""The Python interface, beside the command line and never around it."""
