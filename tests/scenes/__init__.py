"""Scenes build the situations that several tests begin with."""
