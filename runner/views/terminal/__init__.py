"""Text for a terminal: colour, width, progress, and nothing a hostile text could do."""
