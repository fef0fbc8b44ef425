"""Charities: who collects for an appeal, under which filing, and whose fund holders have its tasks."""
