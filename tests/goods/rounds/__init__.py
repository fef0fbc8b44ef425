"""Tests of rounds: the rule, who gathers, what is drawn, and what everybody reads of it."""
