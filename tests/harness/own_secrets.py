"""The secrets that a production has of its own, as its environment names them."""

import base64

OWN_SECRETS = {
    "SECRET_KEY": "0f" * 32,
    "DATA_KEYS": base64.b64encode(bytes(range(32))).decode(),
    "WECHAT_APP_ID": "wx00000000000000bb",
    "WECHAT_APP_SECRET": "ff" * 16,
    "WECHAT_TOKEN": "AToken",
    "WECHAT_AES_KEY": "A" * 43,
}
