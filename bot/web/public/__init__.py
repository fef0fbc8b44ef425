"""The public pages of the public room that have folders of their own: an appeal's page and its photos."""
