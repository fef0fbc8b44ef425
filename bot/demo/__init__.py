"""The demo starts everything on one machine and plays its people into the database."""
