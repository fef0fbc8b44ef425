"""Owners write updates and thanks, and staff publish them and call for emergencies, step by step."""
