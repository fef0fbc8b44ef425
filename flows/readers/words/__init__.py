"""These readers take words: names, choices, places, photos, links and codes."""
