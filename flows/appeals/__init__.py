"""Households write, correct and revise an appeal, step by step."""
