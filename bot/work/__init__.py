"""These processes run the jobs of the queues, keep the clock of the rounds, and look after dead jobs."""
