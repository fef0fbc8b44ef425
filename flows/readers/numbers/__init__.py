"""These readers take amounts: money, weights, counts, days and numbered documents."""
