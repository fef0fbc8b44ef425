"""Staff take up seats, declare conflicts of interest and hand over their tasks, step by step."""
