"""A round shares an offer fairly: households gather, a published rule orders them, and each is proposed a part."""
