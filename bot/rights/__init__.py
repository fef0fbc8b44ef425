"""A process's side of people's rights: the job that erases."""
