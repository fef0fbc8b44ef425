"""The WeChat Pay v3 adapter does HTTP and cryptography only; its callers store the results. Money is integer fen.

It is our own client, not wechatpayv3 2.0.4, which takes answers and callbacks of any age, accepts unproved errors,
fetches certificates for unknown serials, opens a connection for every call and logs what it has decrypted.
"""
