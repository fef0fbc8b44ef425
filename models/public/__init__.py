"""Anybody may see these views: types that hold nothing private."""
