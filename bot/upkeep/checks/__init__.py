"""An operator has the installation examined here: each check looks at one thing, and says what to do about it."""
