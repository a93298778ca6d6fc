"""The resumable upload against a server that follows the rules and breaks off where a test wants it."""

import hashlib
import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from videoflow.errors import Cancelled, WaitUntil
from videoflow.providers.tests.fake_youtube import youtube
from videoflow.providers.tests.fake_youtube_world import World
from videoflow.providers.youtube.api import YouTube
from videoflow.providers.youtube.errors import QuotaSpent, ReconnectNeeded, UploadLimit, YouTubeBusy, YouTubeRefused
from videoflow.providers.youtube.metadata import VideoFacts, insert_body
from videoflow.providers.youtube.upload import GRANULE_BYTES, Pace, Transfer, UploadUnsure

FACTS = VideoFacts("Title", "Text", ("trees",), "22", "en", "public", None, False, True, "youtube")
PACE = Pace(chunk_bytes=GRANULE_BYTES, looks=(0, 1, 1), sleep=lambda seconds: None, jitter=lambda: 0.0)
CHANNEL = "UCfakechannel000000000001"


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


class Kept:
    """A journal in memory that outlives the transfer, as the database does."""

    def __init__(self) -> None:
        self.session, self.is_whole_sent, self.may_begin_anew = "", False, False
        self.notes: list[tuple[str, str]] = []
        self.stored, self.wire, self.begun, self.video_id = 0, 0, 0, ""

    @property
    def has_begun(self) -> bool:
        return self.begun > 0

    def note(self, kind, text):
        self.notes.append((kind, text))

    def session_begun(self, address):
        self.session, self.is_whole_sent, self.may_begin_anew = address, False, False
        self.begun += 1
        self.note("begun", "")

    def session_moved(self, address):
        self.session = address

    def session_lost(self):
        self.session = ""

    def confirmed(self, stored, sent):
        self.wire += sent
        self.stored = self.stored if stored is None else stored

    def last_leaves(self):
        self.is_whole_sent = True

    def finished(self, video_id):
        self.video_id = video_id


@pytest.fixture
def fake():
    with youtube(World()) as found:
        yield found


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(random.Random(5).randbytes(GRANULE_BYTES * 5 + 1234))
    return path


def transfer(fake, file, journal, *, marker="vfmarker1", spend=lambda bucket, cost: None, pace=PACE, cancelled=lambda: False):
    world, address = fake
    tokens: list[str] = []

    def token(*, renew):
        if renew or not tokens:
            tokens.append(world.token_make(CHANNEL))
        return tokens[-1]

    client = YouTube(address, token=token, spend=spend, now=now, cancelled=cancelled)
    return Transfer(
        client,
        journal,
        file=file,
        body=insert_body(FACTS, marker),
        marker=marker,
        uploads_playlist=f"UU{CHANNEL[2:]}",
        pace=pace,
        cancelled=cancelled,
    )


def only_video(world, file):
    assert world.complaints == []
    assert len(world.videos) == 1
    video = next(iter(world.videos.values()))
    assert video["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert video["status"]["privacyStatus"] == "private"
    return video["id"]


def test_ok(fake, file):
    journal = Kept()
    assert transfer(fake, file, journal).run() == only_video(fake[0], file) == journal.video_id
    assert fake[0].body_bytes == file.stat().st_size


@pytest.mark.parametrize(
    "faults",
    [
        [("begin", "503"), ("begin", "reset")],
        [("chunk", "cut:0.3"), ("chunk", "cut:0.9")],
        [("chunk", "short:0.5"), ("chunk", "no-range")],
        [("chunk", "500"), ("chunk", "503:7"), ("ask", "502"), ("ask", "504"), ("chunk", "rate")],
        [("chunk", "401"), ("ask", "401"), ("begin", "401")],
        [("chunk", "expire"), ("chunk", "gone")],
        [("chunk", "lost")] * 6,
        [("chunk", "html")],
        [("playlistItems.list", "500"), ("playlistItems.list", "reset")],
        [("ask", "reset"), ("chunk", "reset"), ("ask", "reset")],
    ],
    ids=lambda faults: "+".join(kind for _, kind in faults)[:40],
)
def test_is_there_once_whatever_breaks(fake, file, faults):
    fake[0].faults.extend(faults)
    assert transfer(fake, file, Kept()).run() == only_video(fake[0], file)
    assert fake[0].landed


def test_a_session_address_that_moves_is_followed(fake, file):
    fake[0].rotate_location = True
    transfer(fake, file, Kept()).run()
    only_video(fake[0], file)


def test_another_process_asks_first_and_goes_on(fake, file):
    journal = Kept()
    with pytest.raises(Cancelled):
        transfer(fake, file, journal, cancelled=lambda: journal.stored >= 2 * GRANULE_BYTES).run()
    assert 0 < len(next(iter(fake[0].sessions.values())).stored) < file.stat().st_size
    fake[0].requests.clear()
    transfer(fake, file, journal).run()
    only_video(fake[0], file)
    assert fake[0].requests[0][0] == "ask"
    assert journal.begun == 1


def test_a_lost_final_reply_with_an_expired_session_is_found_by_its_marker(fake, file):
    fake[0].polls_until_listed = 1  # the list of uploads lags behind
    journal = Kept()
    fake[0].fault_of = lambda operation: "lost-expire" if operation == "chunk" else ""
    assert transfer(fake, file, journal).run() == only_video(fake[0], file)
    assert journal.begun == 1
    assert "adopted" in dict(journal.notes)


def test_unsure_is_left_to_a_person(fake, file):
    journal = Kept()
    fake[0].polls_until_listed = 50
    fake[0].fault_of = lambda operation: "lost-expire" if operation == "chunk" else ""
    with pytest.raises(UploadUnsure, match="YouTube Studio"):
        transfer(fake, file, journal).run()
    with pytest.raises(UploadUnsure):
        transfer(fake, file, journal).run()
    fake[0].fault_of, fake[0].polls_until_listed = None, 0
    transfer(fake, file, journal).run()
    only_video(fake[0], file)


def test_a_person_may_say_that_it_is_not_there(fake, file):
    journal = Kept()
    journal.is_whole_sent, journal.may_begin_anew = True, True
    transfer(fake, file, journal).run()
    only_video(fake[0], file)


@pytest.mark.parametrize(("kind", "error"), [("quota", QuotaSpent), ("day", QuotaSpent), ("upload-limit", UploadLimit)])
def test_a_days_limit_waits_with_the_session_kept(fake, file, kind, error):
    journal = Kept()
    fake[0].faults.append(("chunk", kind))
    with pytest.raises(error) as caught:
        transfer(fake, file, journal).run()
    assert isinstance(caught.value, WaitUntil)
    assert caught.value.until > now() + timedelta(seconds=30)
    before = len(fake[0].requests)
    assert fake[0].requests[-1][0] == "chunk"  # not one blind repetition
    transfer(fake, file, journal).run()
    assert fake[0].requests[before][0] == "ask"
    assert journal.begun == 1
    only_video(fake[0], file)


def test_outages_and_refusals_end(fake, file):
    fake[0].fault_of = lambda operation: "503" if operation == "chunk" else ""
    with pytest.raises(YouTubeBusy):
        transfer(fake, file, Kept()).run()
    fake[0].fault_of = lambda operation: "401" if operation in ("chunk", "ask") else ""
    with pytest.raises(ReconnectNeeded):
        transfer(fake, file, Kept()).run()
    fake[0].fault_of = lambda operation: "forbidden" if operation == "chunk" else ""
    with pytest.raises(YouTubeRefused):
        transfer(fake, file, Kept()).run()
    assert not fake[0].videos


def test_the_permission_is_not_sent_to_another_host(fake, file):
    one = transfer(fake, file, Kept())
    with pytest.raises(YouTubeRefused):
        one._address("https://evil.example/upload")
    with pytest.raises(YouTubeRefused):
        one._address(fake[1].replace("http:", "https:") + "/upload")


def test_a_spent_allowance_sends_nothing(fake, file):
    def spend(bucket, cost):
        raise QuotaSpent(bucket, now=now(), is_told=False)

    with pytest.raises(QuotaSpent):
        transfer(fake, file, Kept(), spend=spend).run()
    assert not fake[0].requests
