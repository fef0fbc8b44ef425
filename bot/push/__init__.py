"""Send notifications by WeChat: choose a channel, write the words for it, send, and keep the outcome."""
