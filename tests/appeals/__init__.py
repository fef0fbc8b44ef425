"""Appeals hold their rules: endorsement, review, revision, flags."""
