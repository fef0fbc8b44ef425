"""Tables, and the rules of the domain on them. Nothing here knows of a room above it."""
