#!/usr/bin/env python3
"""Install the units on a Debian of their own, boot it, and make a video while parts are restarted and killed.

Makes a root folder with debootstrap and boots it with systemd-nspawn, with no network but a loopback of its own. There it does
what docs/deployment.md says: user, checkout of what is committed, packages, PostgreSQL, Redis, nginx with TLS, units, an
account. Then scripts/deployed_film.py makes a video through nginx while each unit is restarted and the worker and the web
process are killed; the machine is booted anew and makes another one; `check --deploy` and the doctor have to find nothing.

Needs root, debootstrap and systemd-nspawn (Debian: apt install debootstrap systemd-container), a Debian mirror, the package index
for pip, 5 GB below --folder, and about ten minutes. Everything it made is removed at the end.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402

from videoflow.tasks.tests.noop.machine import wait_for  # noqa: E402

NAME = "studio.example"
MACHINE = "vf-units"
SECONDS = 1800
PACKAGES = (
    "systemd systemd-sysv dbus python3 python3-venv libfribidi0 git ca-certificates "
    "postgresql redis-server nginx-light openssl curl"
)
UNITS = [
    *("videoflow-migrate.service", "videoflow-web.socket", "videoflow-web.service", "videoflow-dispatcher.service"),
    *("videoflow-worker@io.service", "videoflow-worker@cpu.service", "videoflow-worker@upload.service"),
]
INSTALL = """set -eu
useradd --system --create-home --home-dir /var/lib/videoflow videoflow
git -c safe.directory='*' clone -q /srv/source /opt/videoflow
cd /opt/videoflow
python3 -m venv .venv
.venv/bin/pip install -q --disable-pip-version-check -r requirements.txt
.venv/bin/python -m compileall -q videoflow
install -d -m 750 -g videoflow /etc/videoflow
install -m 640 -g videoflow deploy/systemd/videoflow.env.example /etc/videoflow/videoflow.env
cp deploy/systemd/videoflow*.service deploy/systemd/videoflow*.socket /etc/systemd/system/
install -m 755 deploy/systemd/videoflow-manage /usr/local/sbin/
"""
PARTS = f"""set -eu
cd /
runuser -u postgres -- psql -qc "create role videoflow login password 'of-this-test-alone'"
runuser -u postgres -- createdb --owner videoflow --encoding UTF8 --template template0 videoflow
cat >> /etc/videoflow/videoflow.env <<END
DATABASE_URL=postgresql://videoflow:of-this-test-alone@127.0.0.1:5432/videoflow
REDIS_URL=redis://127.0.0.1:6379/0
VIDEOFLOW_ACCEL_PREFIX=/protected/
END
mkdir -p /etc/ssl/videoflow
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN={NAME} -addext subjectAltName=DNS:{NAME} \
    -keyout /etc/ssl/videoflow/privkey.pem -out /etc/ssl/videoflow/fullchain.pem 2>/dev/null
cp /opt/videoflow/deploy/nginx.conf /etc/nginx/conf.d/videoflow.conf
sed -i 's/^user .*/user videoflow;/' /etc/nginx/nginx.conf
rm -f /etc/nginx/sites-enabled/default
systemctl restart nginx
systemctl daemon-reload
systemctl enable --now {" ".join(UNITS)}
"""


def said(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(arguments: Sequence[str], **options: object) -> str:
    """Run a program and return what it wrote; end with its words when it fails."""
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=SECONDS, check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)[:200]}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return str(done.stdout)


def made(folder: Path, mirror: str | None, suite: str) -> Path:
    """Make the root folder: Debian, its packages, and the studio's code and packages as docs/deployment.md installs them.

    What needs the network is done before the machine is booted, in a mount namespace of its own with this machine's certificates.
    """
    root = folder / "root"
    began = time.monotonic()
    run(["debootstrap", "--variant=minbase", suite, str(root), *([mirror] if mirror else [])])
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")  # nothing starts in a folder that is not booted
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    (root / "srv/source").mkdir()
    (root / "srv/install.sh").write_text(INSTALL)
    steps = f"""set -eu
mount --make-rprivate /
cd {root}
mount -t proc proc proc
mount --rbind /dev dev
mount --bind {ROOT} srv/source
export DEBIAN_FRONTEND=noninteractive
chroot . apt-get update -qq
chroot . apt-get install -y -qq --no-install-recommends {PACKAGES} </dev/null
mount --bind /etc/ssl/certs etc/ssl/certs
[ ! -e /etc/pip.conf ] || {{ touch etc/pip.conf; mount --bind /etc/pip.conf etc/pip.conf; }}
chroot . sh /srv/install.sh
"""
    run(["unshare", "--mount", "sh", "-c", steps])
    (root / "usr/sbin/policy-rc.d").unlink()
    hosts = root / "etc/hosts"
    hosts.write_text(f"127.0.0.1 localhost {NAME} {os.uname().nodename}\n")
    said(f"installed in {time.monotonic() - began:.0f} s")
    return root


class Machine:
    """The booted root folder."""

    def __init__(self, root: Path, log: Path) -> None:
        self.root, self.log = root, log
        self.process: subprocess.Popen[bytes] | None = None
        self.leader = 0

    def boot(self) -> None:
        command = ["systemd-nspawn", "--register=no", "--keep-unit", f"--machine={MACHINE}", "--private-network"]
        command += ["--console=pipe", "-D", str(self.root), "--boot"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._has_begun, seconds=SECONDS, what="a first process")
        wait_for(lambda: self.state() in ("running", "degraded"), seconds=SECONDS, what="the machine", every=1)

    def _has_begun(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise SystemExit(self.log.read_text(errors="replace")[-2000:])
        children = psutil.Process(self.process.pid).children()
        self.leader = children[0].pid if children else 0
        return bool(children) and children[0].name() == "systemd"

    def state(self) -> str:
        done = subprocess.run(
            self._inside("systemctl", "is-system-running"), capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout.strip()

    def _inside(self, *arguments: str) -> list[str]:
        namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        enter = ["nsenter", f"--target={self.leader}", *namespaces, "--root", "--wdns=/root"]
        return [*enter, "env", "-i", path, "HOME=/root", "LANG=C.UTF-8", *arguments]

    def do(self, *arguments: str) -> str:
        return run(self._inside(*arguments))

    def on_its_line(self, *arguments: str) -> list[str]:
        """Return a command of this machine's that sees the other one's network."""
        return ["nsenter", f"--target={self.leader}", "--net", *arguments]

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            if self.leader and psutil.pid_exists(self.leader):
                os.kill(self.leader, signal.SIGRTMIN + 4)  # systemd: power off
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(60)
        self.process = None


@contextmanager
def film(machine: Machine, folder: Path) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """Make a video through nginx while the caller does harm; gives the file of what is said about it, and who makes it."""
    (folder / "password").write_text("of-this-test-alone-77")
    command = [sys.executable, str(ROOT / "scripts" / "deployed_film.py"), f"https://{NAME}", "--address", "127.0.0.1:443"]
    command += ["--certificate", str(machine.root / "etc/ssl/videoflow/fullchain.pem"), "--user", "anna"]
    told = folder / "film.log"
    with told.open("wb") as log:
        running = subprocess.Popen(
            machine.on_its_line(*command, "--password-file", str(folder / "password")), stdout=log, stderr=log
        )
    try:
        yield told, running
        code = running.wait(SECONDS)
        last = told.read_text().splitlines()[-2:]
        said("\n".join(last))
        if code:
            raise SystemExit("The video was not made as it should.")
    finally:
        if running.poll() is None:
            running.kill()
            running.wait(60)


def amid(told: Path, running: "subprocess.Popen[bytes]", stage: str) -> bool:
    """Say whether a stage is at work; whoever makes the video must not have given up before."""
    if running.poll():
        raise SystemExit(f"The video was given up before {stage}:\n{told.read_text()[-2000:]}")
    for line in told.read_text().splitlines():
        if line.startswith("[") and any(
            (task["task_type"], task["status"]) == (stage, "in_progress") and task["progress"] > 0 for task in json.loads(line)
        ):
            return True
    return False


def harmed(machine: Machine, told: Path, running: "subprocess.Popen[bytes]") -> None:
    wait_for(lambda: amid(told, running, "media_generation"), seconds=SECONDS, what="pictures being made", every=0.5)
    for unit in UNITS[2:]:
        began = time.monotonic()
        machine.do("systemctl", "restart", unit)
        said(f"restarted {unit} in {time.monotonic() - began:.1f} s")
    for unit in ("videoflow-worker@cpu", "videoflow-web"):
        machine.do("systemctl", "kill", "--signal=KILL", unit)
        said(f"killed {unit}")
    wait_for(lambda: amid(told, running, "video_composition"), seconds=SECONDS, what="the video being composed", every=0.5)


def looked_at(machine: Machine) -> None:
    """Let the machine say what is wrong with it."""
    exposed = machine.do("systemd-analyze", "security", "--no-pager", "videoflow-worker@cpu.service").splitlines()[-1]
    said(exposed.strip())
    said(machine.do("videoflow-manage", "check", "--deploy", "--fail-level", "WARNING").strip())
    said(machine.do("videoflow-manage", "doctor").strip().splitlines()[-1])
    machine.do("sh", "-c", "install -d -o videoflow /var/backups/videoflow && videoflow-manage backup /var/backups/videoflow")
    said(machine.do("sh", "-c", "videoflow-manage backup --check /var/backups/videoflow/*.tar").strip().splitlines()[-1])
    failed = machine.do("systemctl", "--failed", "--plain", "--no-legend", "--no-pager")
    if failed.strip():
        raise SystemExit(failed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("/tmp"), help="Where the root folder is made (5 GB).")
    parser.add_argument("--mirror", help="Where Debian is fetched from; without it, where debootstrap does.")
    parser.add_argument("--suite", default="bookworm")
    options = parser.parse_args()
    missing = [name for name in ("debootstrap", "systemd-nspawn", "nsenter") if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        raise SystemExit(f"This needs root and {', '.join(missing) or 'nothing else'}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its end"))
    folder = Path(tempfile.mkdtemp(prefix="vf-units-", dir=options.folder))
    machine = Machine(folder / "root", folder / "console.log")
    try:
        made(folder, options.mirror, options.suite)
        machine.boot()
        machine.do("sh", "-c", PARTS)
        account = "DJANGO_SUPERUSER_PASSWORD=of-this-test-alone-77 videoflow-manage createsuperuser --no-input"
        machine.do("sh", "-c", f"{account} --username anna --email anna@{NAME}")
        with film(machine, folder) as (told, running):
            harmed(machine, told, running)
        machine.end()
        machine.boot()
        said(f"booted anew: {machine.state()}")
        with film(machine, folder):
            pass
        looked_at(machine)
    finally:
        machine.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
