"""The account's menus are given to those who are to have them."""
