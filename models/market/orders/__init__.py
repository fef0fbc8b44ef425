"""Buyers order what a listing has, sellers send it or hand it over, and stock follows each step."""
