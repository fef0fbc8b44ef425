"""Keep the files that every host of the bot sees: photos, their public copies, the published ledger."""
