"""The processes that work off the queues, the clock beside them, and what becomes of jobs that failed for good."""
