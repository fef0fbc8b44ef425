"""WeChat's side: what it delivers, asks and answers, written apart from the bot."""
