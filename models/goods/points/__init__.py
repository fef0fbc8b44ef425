"""A handover point is a shop or office of a village, where a keeper takes goods in and hands them out."""
