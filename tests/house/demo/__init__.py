"""The demo starts, sows its world and keeps its clock."""
