"""These processes fetch people's voices, let a recogniser hear them, and keep nothing of the sound."""
