"""Residents and officers follow a verification case by commands."""
