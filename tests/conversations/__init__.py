"""Whole conversations hold, through the real door and through the engine alone."""
