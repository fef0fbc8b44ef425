"""Hold the tables and the rules of the domain. A room imports only rooms below it."""
