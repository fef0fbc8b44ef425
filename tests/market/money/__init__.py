"""Tests of the money of orders."""
