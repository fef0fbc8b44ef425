"""What this process counts for /metrics. Numbers only: no person, no message, no place."""

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES = Histogram(
    "bangfu_delivery_seconds",
    "Seconds at WeChat's door, by the status that was answered",
    ["status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 5.0),
)
REPEATS = Counter("bangfu_repeats", "Deliveries of a message that had been answered, and got the same reply again")
FAILURES = Counter("bangfu_failed_turns", "Messages that met a mistake of ours, and were told sorry")
BOOKS_VIOLATIONS = Gauge("bangfu_books_violations", "What the last night's check of the books found wrong")
BOOKS_CHECKED = Gauge("bangfu_books_checked_timestamp_seconds", "When the books were last checked")
