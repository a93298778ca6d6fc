"""Where the net may go: what a hostile answer, a hostile name server or a hostile redirect can make it do."""

import datetime
import gzip
import hashlib
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from videoflow.providers.net import Client, Connection, ServiceBroken, ServiceTimeout, ServiceUnreachable, client
from videoflow.providers.net.addresses import AddressRefused, addresses_of, is_public, place_read
from videoflow.providers.net.sockets import Exchange
from videoflow.providers.net.transport import Transport
from videoflow.providers.tests.fake_service import FakeService, Told


class TestRedirects:
    @pytest.mark.parametrize(
        ("location", "target"),
        [
            ("/there", "https://pictures.example/there"),
            ("https://other.example/x", "https://other.example/x"),
            ("//b", "https://b"),
        ],
    )
    def test_are_followed_while_they_stay_encrypted(self, location, target):
        assert Client(Connection("rss", ""))._redirected("https://pictures.example/a", location) == target

    @pytest.mark.parametrize(
        "location", ["http://pictures.example/a", "ftp://pictures.example/a", "http://[", "file:///etc/passwd"]
    )
    def test_never_leave_what_is_encrypted(self, location):
        with pytest.raises(ServiceBroken) as refused:
            Client(Connection("rss", ""))._redirected("https://pictures.example/a", location)
        assert refused.value.reason == "redirect"


class TestPacked:
    @pytest.mark.parametrize("kept", [1.0, 0.5])
    def test_an_answer_that_ends_in_the_middle_is_none(self, kept):
        """Its length is what was announced: whoever packed it was cut short before."""
        whole = gzip.compress(bytes(range(256)) * 40)
        body = whole[: int(len(whole) * kept)]
        response = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(body))
        parts = Client(Connection("rss", ""))._parts(response, 1_000_000, Exchange(time.monotonic() + 240))
        with nullcontext() if kept == 1.0 else pytest.raises(zlib.error):
            assert b"".join(parts) == bytes(range(256)) * 40


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "0.0.0.0",
            "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
            "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
        ],
    )  # fmt: skip
    def test_no_address_of_a_private_kind_is_public(self, address):
        assert not is_public(ipaddress.ip_address(address))

    @pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
    def test_ok(self, address):
        assert is_public(ipaddress.ip_address(address))

    @pytest.mark.parametrize("host", ["0177.0.0.1", "2130706433", "0x7f.1", "127.1", "localhost", "[::1]", "127.0.0.1."])
    def test_other_spellings_of_this_machine(self, host):
        place = place_read(f"http://{host}:8000/")
        with pytest.raises(AddressRefused):
            addresses_of(place.host, place.port, is_listed=False, wait_seconds=240)

    @pytest.mark.parametrize(
        "url",
        ["file:///etc/passwd", "ftp://x.org/", "http://", "//x.org", "http://a:b@x.org/", "http://x.org:99999/", "http://[::1"],
    )
    def test_no_such_address(self, url):
        with pytest.raises(AddressRefused):
            place_read(url)

    def test_a_name_that_points_both_ways(self, monkeypatch):
        answers(monkeypatch, "93.184.216.34", "10.0.0.1")
        with pytest.raises(AddressRefused):
            addresses_of("both.example", 80, is_listed=False, wait_seconds=240)

    def test_a_listed_name_may_be_private_but_not_the_clouds_credentials(self, monkeypatch):
        answers(monkeypatch, "10.0.0.1")
        assert addresses_of("gpu.lan", 80, is_listed=True, wait_seconds=240) == ["10.0.0.1"]
        answers(monkeypatch, "169.254.169.254")
        with pytest.raises(AddressRefused):
            addresses_of("gpu.lan", 80, is_listed=True, wait_seconds=240)


def answers(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every name have these addresses; returns the names that were asked for."""
    asked: list[str] = []

    def look(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return asked


class TestClient:
    def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(self, monkeypatch, tmp_path):
        with FakeService() as fake:
            fake.route("GET", "/file")(lambda asked: b"x" * 100)
            asked = answers(monkeypatch, "127.0.0.1")
            port = fake.host.partition(":")[2]
            net = Client(Connection("pexels", "https://api.pexels.com", allowed_hosts=frozenset({f"gpu.lan:{port}"})))
            net.download(f"http://gpu.lan:{port}/file", tmp_path / "file", limit_bytes=1000, deadline_seconds=240)
            assert asked == ["gpu.lan"]
            with pytest.raises(ServiceUnreachable):
                net.download(f"http://other.lan:{port}/file", tmp_path / "file", limit_bytes=1000, deadline_seconds=240)
            assert len(fake.requests) == 1

    def test_an_address_where_nobody_is_leaves_time_for_the_next(self, monkeypatch):
        with FakeService() as fake:
            fake.route("GET", "/file")(lambda asked: b"x")
            answers(monkeypatch, "127.0.0.77", "127.0.0.1")  # the fake listens at the second only
            port = fake.host.partition(":")[2]
            assert Client(Connection("ollama", f"http://two.lan:{port}")).request("GET", "/file").body == b"x"

    def test_a_connection_that_was_allowed_is_no_way_in_for_others(self, tmp_path):
        with FakeService() as fake:
            fake.route("GET", "/file")(lambda asked: b"x" * 100)
            Client(Connection("comfyui", fake.url)).request("GET", "/file")
            with pytest.raises(ServiceUnreachable):
                Client(Connection("pexels", "https://api.pexels.com")).download(
                    f"{fake.url}/file", tmp_path / "file", limit_bytes=1000, deadline_seconds=240
                )
            assert len(fake.requests) == 1

    def test_a_redirect_to_another_listed_host_goes_without_the_key(self, tmp_path):
        with FakeService() as fake, FakeService() as second:
            fake.route("GET", "/file")(lambda asked: Told(b"", 302, {"Location": f"{second.url}/real"}))
            second.route("GET", "/real")(lambda asked: b"y" * 10)
            hosts = frozenset({fake.host, second.host})
            net = Client(Connection("pexels", fake.url, key="canary-key", allowed_hosts=hosts), {"Authorization": "canary-key"})
            done = net.download(f"{fake.url}/file", tmp_path / "file", limit_bytes=1000, deadline_seconds=240)
            assert done.sha256 == hashlib.sha256(b"y" * 10).hexdigest()
            assert all("canary-key" not in str(asked.headers) for asked in fake.requests + second.requests)

    def test_redirects_without_end(self, tmp_path):
        with FakeService() as fake:
            fake.route("GET", "/file")(lambda asked: Told(b"", 302, {"Location": "/file"}))
            net = Client(Connection("pexels", fake.url, allowed_hosts=frozenset({fake.host})))
            with pytest.raises(ServiceBroken) as caught:
                net.download(f"{fake.url}/file", tmp_path / "file", limit_bytes=1000, deadline_seconds=240)
            assert (caught.value.reason, len(fake.requests)) == ("redirect_loop", 4)

    @pytest.mark.parametrize("fault", ["reset", "truncated", "huge", "empty", "lost"])
    def test_what_did_not_come_whole_leaves_no_file(self, fault, tmp_path):
        with FakeService() as fake:
            fake.route("GET", "/file")(lambda asked: b"x" * 1000)
            fake.fault(fault)
            net = Client(Connection("pexels", fake.url, allowed_hosts=frozenset({fake.host})))
            with pytest.raises(ServiceBroken):
                net.download(f"{fake.url}/file", tmp_path / "file", limit_bytes=2000, deadline_seconds=240)
            assert not list(tmp_path.iterdir())


class Raw:
    """A server that says one thing byte for byte."""

    def __init__(self, answer: bytes, *, pause_seconds: float = 0.0) -> None:
        self.answer, self.pause_seconds, self.ending = answer, pause_seconds, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with closing(connection):
            connection.recv(65_536)
            for number in range(len(self.answer)):
                try:
                    connection.sendall(self.answer[number : number + 1])
                except OSError:
                    return
                if self.ending.wait(self.pause_seconds):
                    return

    def close(self) -> None:
        self.ending.set()
        self._thread.join()
        self._listener.close()


class TestFraming:
    def test_headers_that_drip(self):
        dripping = Raw(b"HTTP/1.1 200 OK\r\n" + b"X-Pad: a\r\n" * 200, pause_seconds=0.05)
        with closing(dripping), pytest.raises(ServiceTimeout):
            Client(Connection("openai", dripping.url)).request("GET", "/", deadline_seconds=0.6)

    def test_a_body_that_ends_where_the_line_does_is_not_provably_whole(self):
        with closing(Raw(b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n\r\nRIFF1234")) as server:
            with pytest.raises(ServiceBroken) as caught:
                Client(Connection("openai", server.url)).request("GET", "/", deadline_seconds=240)
            assert caught.value.reason == "length_unknown"

    def test_json_says_itself_where_it_ends(self):
        with closing(Raw(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"a": 1}')) as server:
            assert Client(Connection("openai", server.url)).request("GET", "/", deadline_seconds=240).json() == {"a": 1}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


class TestTls:
    @pytest.fixture
    def secured(self, certificate: Path) -> Iterator[FakeService]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with FakeService(tls=context) as fake:
            fake.route("POST", "/sum")(lambda asked: {"sha256": hashlib.sha256(asked.body).hexdigest()})
            yield fake

    def test_ok(self, secured, certificate, monkeypatch):
        trust = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(client, "transport", lambda *, is_listed: Transport(is_listed=is_listed, trust=trust))
        body = bytes(range(256)) * 20_000
        net = Client(Connection("openai", secured.url.replace("http://127.0.0.1", "https://localhost")))
        for _ in range(2):
            answer = net.request("POST", "/sum", content=body, deadline_seconds=240)
            assert answer.json() == {"sha256": hashlib.sha256(body).hexdigest()}

    def test_a_certificate_nobody_vouches_for(self, secured):
        net = Client(Connection("openai", secured.url.replace("http://127.0.0.1", "https://localhost"), key="canary"))
        with pytest.raises(ServiceUnreachable) as caught:
            net.request("POST", "/sum", content=b"")
        assert caught.value.reason == "certificate"
        assert not secured.requests
