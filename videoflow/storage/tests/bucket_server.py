"""A real server of the S3 protocol on this machine, and a way to it on which things go wrong when asked to."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from videoflow.tests.ports import free_port

KEY_ID, SECRET, BUCKET = "studio-key", "studio-secret", "films"
_PORTS = ("master", "master_grpc", "volume", "volume_grpc", "filer", "filer_grpc", "s3", "s3_grpc")
_ROOT = Path(__file__).resolve().parents[3]
_START_SECONDS = 120.0
_STARTS = 3
_HOP = {"connection", "transfer-encoding", "keep-alive"}


class BucketServer:
    """SeaweedFS with its own folder; it ends with whoever started it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for starts_left in reversed(range(_STARTS)):
            self._launch()
            if self._is_up():
                return
            said = (self.folder / "log").read_text(errors="replace")[-2000:]
            self.stop()
            assert starts_left, f"The tests' bucket server did not start: {said}"

    def _launch(self) -> None:
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        identity = {"name": "studio", "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}], "actions": ["Admin"]}
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        ports = {name: free_port() for name in _PORTS}
        self.url = f"http://127.0.0.1:{ports['s3']}"
        command = [
            *(sys.executable, "-m", "videoflow.health.launch", str(os.getpid())),
            str(Path(sys.executable).with_name("weed")),
            "-logtostderr=true",
            "server",
            *(f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"),
            *(f"-master.port={ports['master']}", f"-master.port.grpc={ports['master_grpc']}", "-master.volumeSizeLimitMB=64"),
            *(f"-volume.port={ports['volume']}", f"-volume.port.grpc={ports['volume_grpc']}", "-volume.max=16"),
            *(f"-filer.port={ports['filer']}", f"-filer.port.grpc={ports['filer_grpc']}"),
            *(f"-s3.port={ports['s3']}", f"-s3.port.grpc={ports['s3_grpc']}", f"-s3.config={self.folder / 's3.json'}"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-s3.autoCreateBucket=false"),
            *(f"-filer.localSocket={self.folder / 'filer.sock'}", f"-s3.localSocket={self.folder / 's3.sock'}"),
        ]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def _is_up(self) -> bool:
        until = time.monotonic() + _START_SECONDS
        client = self.client()
        while time.monotonic() < until and self._process.poll() is None:
            try:
                client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="first", Body=b"first")
                client.delete_object(Bucket=BUCKET, Key="first")
                return True
            except ClientError as error:
                if error.response["Error"]["Code"] == "BucketAlreadyOwnedByYou":
                    client.put_object(Bucket=BUCKET, Key="first", Body=b"first")
                    return True
            except BotoCoreError:
                pass
            time.sleep(0.1)
        return False

    def client(self) -> Any:
        """A client of our own, to look behind the studio's back."""
        return boto3.Session().client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1}),
        )

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(60)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients hang up on purpose."""


class FaultyWay:
    """Passes requests on, until ``fault`` says otherwise: refuse, 503, silent, cut, damage, drip."""

    def __init__(self, behind: str) -> None:
        self.fault = ""
        self.faults_left = 1_000_000
        self.methods: set[str] = {"GET", "HEAD", "PUT", "POST", "DELETE"}
        self.asked: list[tuple[str, str]] = []
        self.ended = threading.Event()
        way, host = self, behind.removeprefix("http://")

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                way.asked.append((self.command, self.path.split("?")[0]))
                fault = way._fault_for(self.command)
                if fault == "silent":
                    way.ended.wait(240)
                if fault in ("refuse", "silent"):
                    self.close_connection = True
                    return
                if fault == "503":
                    self._answer(503, {}, b"<Error><Code>SlowDown</Code><Message>Slow down</Message></Error>")
                    return
                there = http.client.HTTPConnection(host, timeout=60)
                try:
                    there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        if name.lower() not in _HOP and name.lower() != "expect":
                            there.putheader(name, value)
                    there.endheaders(body)
                    answer = there.getresponse()
                    self._answer(answer.status, dict(answer.getheaders()), answer.read(), fault)
                finally:
                    there.close()

            def _answer(self, status: int, headers: dict[str, str], content: bytes, fault: str = "") -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in _HOP | {"content-length", "date", "server"}:
                        self.send_header(name, value)
                length = headers.get("Content-Length", str(len(content))) if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length)
                self.end_headers()
                if self.command == "HEAD":
                    return
                if fault == "damage" and content:
                    content = bytes([content[0] ^ 1]) + content[1:]
                if fault == "cut":
                    content = content[: len(content) // 2]
                    self.close_connection = True
                if fault == "drip":
                    for at in range(len(content)):
                        self.wfile.write(content[at : at + 1])
                        if way.ended.wait(0.02):
                            return
                    return
                self.wfile.write(content)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
                """Say nothing."""

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _fault_for(self, method: str) -> str:
        if not self.fault or method not in self.methods or self.faults_left <= 0:
            return ""
        self.faults_left -= 1
        return self.fault

    def fail(self, fault: str, *, times: int = 1_000_000, methods: str = "GET HEAD PUT POST DELETE") -> None:
        self.fault, self.faults_left, self.methods = fault, times, set(methods.split())

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)
