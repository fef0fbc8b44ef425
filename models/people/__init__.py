"""The account keeps who writes to it: conversations, users, and the photos they send."""
