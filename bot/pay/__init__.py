"""The WeChat Pay v3 adapter: HTTP and cryptography only; whoever calls it keeps what comes of it. Money is integer fen.

Our own client, not wechatpayv3 2.0.4: that takes answers and callbacks of any age, lets errors pass unproved, fetches
certificates when an unknown serial comes, opens a connection for every call and logs what it has opened.
"""
