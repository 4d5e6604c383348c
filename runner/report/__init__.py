"""What happened, order by order, as it is told and kept."""
