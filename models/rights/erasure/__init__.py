"""Erase a person: ask for it, wait, let every room forget, keep apart what a law demands, and replay it on backups."""
