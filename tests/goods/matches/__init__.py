"""Tests of matches: what becomes of a part of an offer that is promised to a household."""
