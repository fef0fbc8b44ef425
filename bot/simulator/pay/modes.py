"""The two modes of Pay's API: how each calls the parties of an order."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """Names of fields. ``sub_mchid``: empty where the merchant signs for itself."""

    app_id: str
    mchid: str
    openid: str
    sub_mchid: str = ""


DIRECT = Mode("appid", "mchid", "openid")
# A partner (服务商) signs; the sub-merchant (特约商户) is paid. PW/wiki/doc/apiv3_partner/apis/chapter4_2_2
PARTNER = Mode("sp_appid", "sp_mchid", "sp_openid", "sub_mchid")
