"""These processes run the jobs of the queues, run the schedule, and keep dead jobs."""
