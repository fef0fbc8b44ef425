"""How fast the bot answers, side by side with simpler servers. Run by ``make bench``; never by the tests."""
