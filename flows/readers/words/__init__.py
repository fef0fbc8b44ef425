"""Read words and attachments: names, choices, places, photos, links and codes."""
