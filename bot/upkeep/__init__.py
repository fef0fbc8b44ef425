"""An operator has the installation examined here, backed up, and restored."""
