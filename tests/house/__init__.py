"""The whole tree keeps its rules: settings, templates, migrations, README, demo and seed."""
