"""Subjects that check-books names on a stage where gifts have no owner."""

# On the stage these are passed by nobody who would stand in a queue, and nobody asks for a day's bill.
BY_NOBODY = ("appeal", "case", "task", "bill_day")
