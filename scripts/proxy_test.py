#!/usr/bin/env python3
"""Try the proxy examples in deploy/ before a real studio: TLS, redirect, pages, cookies, live progress, uploads, ranges, files.

Needs nginx or Caddy on this machine (Debian: apt install nginx-light caddy) and openssl. Everything is in a temporary folder
and on ports of its own; only names, ports and paths of the examples are changed.
"""

import argparse
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from websockets.exceptions import InvalidStatus  # noqa: E402
from websockets.sync.client import ClientConnection, connect  # noqa: E402
from websockets.typing import Origin  # noqa: E402

from videoflow.tasks.tests.noop.machine import clean_environment, wait_for  # noqa: E402
from videoflow.tests.ports import free_port  # noqa: E402

NAME = "studio.example"
TOKEN = "proxy-test-owner"
FILM_BYTES = 12_000_000
UPLOAD_LIMIT = 30_000_000
MAKE = f"""
import json, django
django.setup()
from videoflow.pipeline.tests import factories
from videoflow.sessions.services import token_hash
session = factories.CreatorSessionFactory.create(cookie_hash=token_hash("{TOKEN}"))
project = factories.ProjectFactory.create(session=session)
film = factories.asset_make(project, kind="video", name="film.mp4", content=bytes(range(256)) * ({FILM_BYTES} // 256))
print(json.dumps([str(session.pk), f"/media/{{film.pk}}/film.mp4"]))
"""


@contextmanager
def studio(data: Path, port: int) -> Iterator[dict[str, str]]:
    """A whole studio as the examples want it."""
    given = clean_environment(data) | {
        "VIDEOFLOW_ALLOWED_HOSTS": NAME,
        "VIDEOFLOW_HTTPS": "1",
        "VIDEOFLOW_ACCEL_PREFIX": "/protected/",
        "VIDEOFLOW_METRICS": "1",
        "VIDEOFLOW_MAX_UPLOAD_BYTES": str(UPLOAD_LIMIT),
        "DJANGO_SETTINGS_MODULE": "videoflow.settings",
    }
    command = [sys.executable, str(ROOT / "manage.py"), "studio", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=given, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/livez"), seconds=180, what="the studio")
        yield given
    finally:
        process.terminate()
        process.wait(60)


def answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(url, timeout=5, verify=False).status_code < 500
    return False


def certificate(folder: Path) -> None:
    """A certificate of a day, signed by itself."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={NAME}"),
            *("-addext", f"subjectAltName=DNS:{NAME}"),
            *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )


def nginx_command(folder: Path, data: Path, port: int, plain: int, secure: int) -> list[str]:
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    text = re.sub(r"listen \[::\].*\n", "", text)
    changes = {
        "127.0.0.1:8000": f"127.0.0.1:{port}",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ": f"listen 127.0.0.1:{secure} ",
        "/etc/ssl/videoflow": str(folder),
        "/var/lib/videoflow/data": str(data),
        "client_max_body_size 520m": f"client_max_body_size {UPLOAD_LIMIT * 2}",
    }
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "studio.conf").write_text(text, encoding="utf-8")
    scratch = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    main = f"{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}"
    served = f"include /etc/nginx/mime.types; access_log off; {scratch} include {folder}/studio.conf;"
    (folder / "nginx.conf").write_text(f"{main} http {{ {served} }}", encoding="utf-8")
    command = [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    subprocess.run([*command, "-t", "-q"], check=True, timeout=60)
    return command


def caddy_command(folder: Path, data: Path, port: int, plain: int, secure: int) -> list[str]:
    text = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    site = f"{NAME}:{secure} {{\n\ttls {folder}/fullchain.pem {folder}/privkey.pem\n"
    changes = {f"{NAME} {{": site, "127.0.0.1:8000": f"127.0.0.1:{port}", "/var/lib/videoflow/data": str(data)}
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    options = f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {secure}\n\tstorage file_system {folder}/caddy\n}}\n"
    (folder / "Caddyfile").write_text(options + text, encoding="utf-8")
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


class Trial:
    """Asks one proxy everything and keeps what was found."""

    def __init__(self, *, secure: int, plain: int, session: str, film: str) -> None:
        self.secure, self.plain, self.session, self.film = secure, plain, session, film
        self.url = f"https://127.0.0.1:{secure}"
        self.found: list[tuple[str, str, bool]] = []

    def check(self, what: str, figure: object, *, well: bool) -> None:
        self.found.append((what, str(figure), well))

    def client(self, cookie: str = "") -> httpx.Client:
        headers = {"Host": NAME, **({"Cookie": f"videoflow_creator={cookie}"} if cookie else {})}
        extensions = {"sni_hostname": NAME}
        client = httpx.Client(base_url=self.url, headers=headers, verify=False, timeout=60)
        client.event_hooks["request"].append(lambda request: request.extensions.update(extensions))
        return client

    def run(self) -> None:
        self.pages()
        self.files()
        self.uploads()
        self.sockets()

    def pages(self) -> None:
        moved = httpx.get(f"http://127.0.0.1:{self.plain}/", headers={"Host": NAME}, timeout=30)
        target = moved.headers.get("location", "")
        self.check(
            "http is sent to https", f"{moved.status_code} {target}", well=moved.status_code in (301, 308) and "https" in target
        )
        with self.client() as client:
            page = client.get("/")
            cookies = page.headers.get_list("set-cookie")
            self.check("the first page", page.status_code, well=page.status_code == 200 and "</html>" in page.text)
            self.check("compressed", page.headers.get("content-encoding"), well=page.headers.get("content-encoding") == "gzip")
            self.check("HSTS", page.headers.get("strict-transport-security"), well="strict-transport-security" in page.headers)
            secure = [("Secure" in cookie) for cookie in cookies]
            self.check("cookies are secure", f"{sum(secure)} of {len(secure)}", well=bool(secure) and all(secure))
            self.check("a name for each request", page.headers.get("x-request-id", ""), well="x-request-id" in page.headers)
            hidden = client.get("/metrics").status_code
            self.check("figures are not for everybody", hidden, well=hidden == 404)
            foreign = client.get("/", headers={"Host": "evil.example"})
            self.check("a foreign name", foreign.status_code, well=foreign.status_code == 400 or not foreign.content)

    def files(self) -> None:
        with self.client(TOKEN) as owner, self.client("somebody-else") as stranger:
            whole = owner.get(self.film)
            self.check(
                "the owner's file",
                f"{whole.status_code}, {len(whole.content)} bytes",
                well=len(whole.content) >= FILM_BYTES - 256,
            )
            kind, nosniff = whole.headers.get("content-type"), whole.headers.get("x-content-type-options")
            self.check("its type", f"{kind}, {nosniff}", well=(kind, nosniff) == ("video/mp4", "nosniff"))
            self.check("no word of where it lies", "", well="x-accel-redirect" not in whole.headers)
            span = owner.get(self.film, headers={"Range": "bytes=1000000-8999999"})
            figure = f"{span.status_code} {span.headers.get('content-range')}"
            is_right = span.status_code == 206 and span.content == whole.content[1000000:9000000]
            self.check("a range of 8 MB at once", figure, well=is_right)
            again = owner.get(self.film, headers={"If-None-Match": whole.headers.get("etag", "")}).status_code
            self.check("an unchanged file", again, well=again == 304)
            saved = owner.get(f"{self.film}?download=1", headers={"Range": "bytes=0-9"}).headers.get("content-disposition", "")
            self.check("to be saved", saved, well=saved.startswith("attachment"))
            refused = stranger.get(self.film).status_code
            self.check("somebody else's file", refused, well=refused == 404)
            for path in (
                "/protected/secret_key",
                "/protected/media/x",
                "/protected/videoflow.sqlite3",
                "/protected/media/../secret_key",
            ):
                status = owner.get(path).status_code
                self.check(path, status, well=status in (400, 404))

    def uploads(self) -> None:
        with self.client(TOKEN) as owner:
            answer = owner.post(
                "/api/tasks/submit/trending_analysis",
                content=b"x" * (UPLOAD_LIMIT + 1000),
                headers={"Content-Type": "application/json"},
            )
            body = answer.text[:80]
            self.check("more than the studio takes", f"{answer.status_code} {body}", well=answer.status_code == 413)
            with suppress(httpx.TransportError):
                answer = owner.post("/x", content=b"x" * (UPLOAD_LIMIT * 2 + 1000))
            is_refused = answer.status_code in (413, 502)  # Caddy 2.6 says 502
            self.check("more than the proxy takes", answer.status_code, well=is_refused)

    def sockets(self) -> None:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        cookie = {"Cookie": f"videoflow_creator={TOKEN}"}

        def opened(origin: str) -> ClientConnection:
            return connect(
                f"wss://{NAME}:{self.secure}/ws/progress/{self.session}",
                sock=create_connection(("127.0.0.1", self.secure), timeout=60),
                origin=Origin(origin),
                additional_headers=cookie,
                ssl=trusting,
                server_hostname=NAME,
                open_timeout=60,
                close_timeout=10,
            )

        with opened(f"https://{NAME}:{self.secure}") as socket:
            hello = str(socket.recv(timeout=60))
            self.check("live progress", hello[:60], well='"seq"' in hello)
        try:
            opened("https://evil.example").close()
            self.check("live progress for another site", "open", well=False)
        except InvalidStatus as error:
            self.check("live progress for another site", error.response.status_code, well=error.response.status_code == 403)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proxy", choices=("nginx", "caddy"), default="nginx")
    name = parser.parse_args().proxy
    folder = Path(tempfile.mkdtemp(prefix="vf-proxy-"))
    port, plain, secure = free_port(), free_port(), free_port()
    data = folder / "data"
    try:
        certificate(folder)
        with studio(data, port) as given:
            made = subprocess.run(
                [sys.executable, "-c", MAKE], env=given, cwd=ROOT, capture_output=True, text=True, timeout=180, check=True
            )
            session, film = json.loads(made.stdout)
            command = (nginx_command if name == "nginx" else caddy_command)(folder, data, port, plain, secure)
            with (folder / "proxy.log").open("wb") as log:
                proxy = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)})
            try:
                wait_for(lambda: answers(f"http://127.0.0.1:{plain}/"), seconds=60, what=name)
                trial = Trial(secure=secure, plain=plain, session=session, film=film)
                trial.run()
            finally:
                proxy.terminate()
                proxy.wait(30)
        table = Table("asked of " + name, "answer", "well")
        for what, figure, well in trial.found:
            table.add_row(what, figure, "yes" if well else "NO")
        Console().print(table)
        if not all(well for _, _, well in trial.found):
            raise SystemExit("Not all is well.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
