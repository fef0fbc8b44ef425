"""Keep the staff: their seats, tasks and decisions, and who must step aside for a conflict of interest."""
