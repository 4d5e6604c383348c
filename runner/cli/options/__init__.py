"""Options that commands share, and the values they become."""
