"""The demo's year: a county that lives through the real code, from a seed, and what of it is kept (bot.demo.dump)."""
