"""Examine a page as people use it who read it aloud, enlarged, in the dark, by keyboard, or on paper."""
