"""Officers hold seats, tasks and decisions: who serves where, whose turn it is, and who must step aside."""
