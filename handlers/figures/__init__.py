"""Anybody asks for the public figures by a command."""
