"""Read the demo's pay settings from the folder of keys that the simulator has made (pay.json)."""

import json
from pathlib import Path


def settings_in(folder: Path) -> dict[str, str]:
    """Return the environment variables for the simulator's merchant, with all keys that the simulator signs with.

    Raises OSError, ValueError or KeyError for a folder that no simulator has filled.
    """
    listed = json.loads((folder / "pay.json").read_text(encoding="utf-8"))
    keys = {listed["public_key_id"]: folder / "pub_key.pem"}
    keys |= {serial: folder / f"wechatpay_{serial}.pem" for serial in listed["platform_serials"]}
    return {
        "PAY_MODE": "on",
        "PAY_MCH_ID": listed["mchid"],
        "PAY_SERIAL": listed["merchant_serial"],
        "PAY_PRIVATE_KEY": str(folder / "apiclient_key.pem"),
        "PAY_API_V3_KEY": listed["apiv3_key"],
        "PAY_PUBLIC_KEYS": ",".join(f"{serial}={path}" for serial, path in keys.items()),
    }
