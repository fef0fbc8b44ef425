"""An operator takes a backup of database and photos here, and proves that it can be restored.

A backup is a folder: ``database.dump`` (pg_dump's own form), ``photos.tar`` (the files as they are stored, sealed) and
``manifest.json``, which says what has to be in them. No key is in it.
"""
