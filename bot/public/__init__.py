"""This process draws and sends what follows a look at an appeal."""
