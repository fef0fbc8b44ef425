"""Run one act of ours in a process that is killed at a step of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from bot.pay.demo_keys import settings_in
from tests.harness.money.merchant import key_folder
from tests.harness.money.paid_stage import Collecting

ROOT = Path(__file__).parents[3]


def killed(stage: Collecting, step: str, folder: Path, *act: str) -> None:
    """``act``: as tests.harness.processes.kill_at_step takes it."""
    ours = settings_in(key_folder()) | {
        "BANGFU_ENV": "demo",
        "DATABASE_URL": stage.settings.database_url,
        "REDIS_URL": stage.settings.redis_url,
        "PUBLIC_URL": stage.bot_url,
        "WECHAT_API_URL": stage.wechat_url,
        "PAY_API_URL": stage.wechat_url,
        "PAY_PARTNER_MCH_ID": stage.settings.pay_partner_mch_id,
    }
    command = [sys.executable, "-m", "tests.harness.processes.kill_at_step", step, str(folder / "died"), *act]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | ours, capture_output=True, text=True, check=False, process_group=0
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
