"""Conversations: one file each, and the pure engine that walks them."""
