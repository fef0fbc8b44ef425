"""Keep the people who write to the account: conversations, users, and the photos they send."""
