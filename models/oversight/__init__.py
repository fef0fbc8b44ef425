"""Overseers check the work of staff: spot checks, statistics, access logs, image matches."""
