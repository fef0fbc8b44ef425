"""WeChat Pay v3 (JSAPI) as the platform has it: orders, refunds, bills, callbacks, and the pay sheet on the phone.

Money is in fen, as whole numbers. Two clocks: what happens to an order is
dated by the platform's clock, which can be moved, with the merchant's server or
without; signatures carry the true time, which both have.
"""
