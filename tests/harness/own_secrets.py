"""The secrets that a production has of its own, and with its address all that it needs, as its environment names it."""

import base64

OWN_SECRETS = {
    "SECRET_KEY": "0123456789abcdef" * 4,
    "DATA_KEYS": base64.b64encode(bytes(range(32))).decode(),
    "WECHAT_APP_ID": "wx00000000000000bb",
    "WECHAT_APP_SECRET": "fedcba9876543210" * 2,
    "WECHAT_TOKEN": "AToken0123456789",
    "WECHAT_AES_KEY": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopA",
}
PRODUCTION = {**OWN_SECRETS, "BANGFU_ENV": "production", "PUBLIC_URL": "https://bangfu.example.cn"}
