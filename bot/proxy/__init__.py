"""This process fetches the QR codes of printed cards."""
