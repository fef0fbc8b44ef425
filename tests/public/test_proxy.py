"""docs/operating.md's nginx takes what the page gives it. Slow: it is a program of its own."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.processes.leash import leashed
from bot.processes.supervisor import end, free_port
from config.settings import ROOT
from tests.harness.money.paid_stage import collecting
from tests.harness.platform import wechat
from tests.harness.processes.web import served
from tests.harness.processes.workers import until

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")


def block(kind: str) -> str:
    [found] = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def certify(folder: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bangfu.example.cn")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = made.add_extension(alternative, critical=False)
    (folder / "pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))


def configured(folder: Path, bot: str, port: int) -> Path:
    """The page's configuration, with addresses and files of this machine's."""
    given = block("nginx")
    for ours, here in (
        ("10.0.0.11:8000", bot.removeprefix("http://")),
        ("    server 10.0.0.12:8000 max_fails=0;\n", ""),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("/etc/ssl/bangfu.example.cn.pem", str(folder / "pem")),
        ("/etc/ssl/private/bangfu.example.cn.key", str(folder / "key")),
        ("/var/log/nginx/bangfu.log", str(folder / "log")),
        ("/var/log/nginx/bangfu-error.log", str(folder / "failed")),
    ):
        assert ours in given, ours
        given = given.replace(ours, here)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    written = f"daemon off;\npid {folder}/pid;\nerror_log {folder}/errors;\nevents {{}}\nhttp {{\n{own}{given}}}\n"
    (folder / "nginx.conf").write_text(written, encoding="utf-8")
    return folder / "nginx.conf"


def is_listening(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def proxy(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[str]:
    if NGINX is None:
        pytest.skip("needs Debian's nginx package")
    certify(tmp_path)
    port = free_port()
    with collecting(database_url, redis_url) as stage, served(stage) as bot:
        command = [NGINX, "-c", str(configured(tmp_path, bot, port))]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        running = subprocess.Popen(leashed(command), process_group=0)
        try:
            until(lambda: is_listening(port))
            yield f"https://127.0.0.1:{port}"
        finally:
            end(running, 10)


def test_the_proxy_passes_what_it_should_and_bounds_it(proxy: str, tmp_path: Path) -> None:
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(tmp_path / "pem")
        platform = wechat.WeChat()
        query, body = platform.deliver(wechat.text("你好"))
        answer = session.post(f"{proxy}/wechat", params=query, data=body, timeout=60)
        assert (answer.status_code, bool(platform.read_text(answer.content))) == (200, True)
        assert session.get(f"{proxy}/", timeout=60).status_code == 200
        assert session.post(f"{proxy}/pay/notify", data=b"{}", timeout=60).status_code == 401
        assert session.post(f"{proxy}/wechat", data=b"x" * 70_000, timeout=60).status_code == 413
        for path in ("/metrics", "/healthz", "/readyz", "/nothing"):
            assert session.get(proxy + path, timeout=60).status_code == 404, path
        assert session.post(f"{proxy}/pay/WzEsMl0.aa.bb/order", data=b"x" * 70_000, timeout=60).status_code == 413
    written = "".join((tmp_path / name).read_text(encoding="utf-8") for name in ("log", "failed", "errors"))
    assert "/wechat" in written
    assert "WzE" not in written
