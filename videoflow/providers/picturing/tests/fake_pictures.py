"""The picture services on this machine, as strict as their descriptions: what they refuse to answer fails the test.

Each has photographs for whatever is asked, every one different, and keeps to the parameters, headers and limits of the real one.
"""

import base64
import io
import random
from collections.abc import Mapping
from functools import cache
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw

from videoflow.providers.tests.fake_service import Asked, FakeService, Told

KEY = "key-canary-4711"
CHECKPOINT = "dream.safetensors"


@cache
def photo(number: int, width_px: int = 1280, height_px: int = 853, kind: str = "JPEG") -> bytes:
    """Return a picture with a sky, a ground and things on it; another number is another picture to the eye."""
    chance = random.Random(number)
    picture = Image.new("RGB", (width_px, height_px), tuple(chance.randrange(40, 220) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    horizon = chance.randrange(height_px // 4, height_px * 3 // 4)
    draw.rectangle((0, horizon, width_px, height_px), fill=tuple(chance.randrange(20, 160) for _ in range(3)))
    for _ in range(14):
        x, y, size = chance.randrange(width_px), chance.randrange(height_px), chance.randrange(40, width_px // 3)
        colour = tuple(chance.randrange(256) for _ in range(3))
        shape = draw.ellipse if chance.random() < 0.5 else draw.rectangle
        shape((x - size // 2, y - size // 2, x + size // 2, y + size // 3), fill=colour)
    out = io.BytesIO()
    picture.save(out, kind, quality=85)
    return out.getvalue()


@cache
def clip(number: int, seconds: float = 6.0) -> bytes:
    """Return an MP4 of 960 x 540 in which a disc crosses a picture."""
    still = np.asarray(Image.open(io.BytesIO(photo(number, 960, 540))).convert("RGB"))
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 960, 540, "yuv420p"
        for at in range(round(seconds * 10)):
            shown = still.copy()
            shown[220:300, 20 + at * 12 : 100 + at * 12] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()


def _number(query: str, at: int) -> int:
    return 1000 * (sum(ord(letter) * (place + 1) for place, letter in enumerate(query)) % 9000) + at


def _whole(query: Mapping[str, str], allowed: set[str]) -> None:
    assert set(query) <= allowed, set(query) - allowed


def files_serve(fake: FakeService) -> None:
    """Serve the files themselves; a credential sent along is a fault."""

    def file(asked: Asked) -> Told:
        assert KEY not in str(asked.headers) + str(asked.query), "the key went to where the file is"
        number, kind = asked.groups
        return Told(photo(int(number)) if kind == "jpg" else clip(int(number)), headers={"Content-Type": f"x/{kind}"})

    fake.route("GET", r"/files/(\d+)\.(jpg|mp4)")(file)


def pexels(fake: FakeService, count: int = 15) -> FakeService:
    """https://www.pexels.com/api/documentation/"""
    files_serve(fake)

    def checked(asked: Asked) -> tuple[str, int]:
        assert asked.headers.get("authorization") == KEY, "the key goes into Authorization as it is"
        query = asked.query
        _whole(query, {"query", "orientation", "size", "color", "locale", "page", "per_page"})
        assert query["query"] and 1 <= int(query["per_page"]) <= 80
        assert query["orientation"] in ("landscape", "portrait", "square")
        return query["query"], int(query.get("page", 1))

    def photos(asked: Asked) -> dict[str, Any]:
        text, page = checked(asked)
        rows = [_pexels_photo(fake, text, (page - 1) * count + at) for at in range(count)]
        more = f"{fake.url}/v1/search?page={page}"  # names itself as the next page, for ever
        return {"page": page, "per_page": count, "photos": rows, "total_results": 8000, "next_page": more}

    def videos(asked: Asked) -> dict[str, Any]:
        text, page = checked(asked)
        rows = [_pexels_clip(fake, text, (page - 1) * count + at) for at in range(count)]
        return {"page": page, "per_page": count, "videos": rows, "total_results": count}

    fake.route("GET", "/v1/search")(photos)
    fake.route("GET", "/v1/videos/search")(videos)
    return fake


def _pexels_photo(fake: FakeService, text: str, at: int) -> dict[str, Any]:
    number = _number(text, at)
    return {
        "id": number,
        "width": 5472,
        "height": 3648,
        "url": f"https://www.pexels.com/photo/{text.replace(' ', '-').lower()}-{number}/",
        "photographer": f"Ann {at}",
        "photographer_url": "https://www.pexels.com/@ann",
        "photographer_id": at,
        "avg_color": "#333333",
        "src": dict.fromkeys(("original", "large2x", "large", "landscape", "tiny"), f"{fake.url}/files/{number}.jpg"),
        "liked": False,
        "alt": f"A view of {text} number {at}",
    }


def _pexels_clip(fake: FakeService, text: str, at: int) -> dict[str, Any]:
    number = _number(text, at + 500)
    link = f"{fake.url}/files/{number}.mp4"
    files = [
        {"id": 1, "quality": None, "file_type": "video/mp4", "width": 640, "height": 360, "fps": None, "link": link},
        {
            "id": 2,
            "quality": "hls",
            "file_type": "application/x-mpegURL",
            "width": None,
            "height": None,
            "fps": None,
            "link": link,
        },
    ]
    return {
        "id": number,
        "width": 1920,
        "height": 1080,
        "url": f"https://www.pexels.com/video/{text.replace(' ', '-').lower()}-{number}/",
        "image": f"{fake.url}/files/{number}.jpg",
        "duration": 8,
        "user": {"id": 1, "name": f"Bob {at}", "url": "https://www.pexels.com/@bob"},
        "video_files": files,
        "video_pictures": [],
    }


def pixabay(fake: FakeService, count: int = 15) -> FakeService:
    """https://pixabay.com/api/docs/"""
    files_serve(fake)

    def checked(asked: Asked) -> str:
        query = asked.query
        assert query["key"] == KEY
        _whole(query, {"key", "q", "lang", "image_type", "orientation", "safesearch", "page", "per_page"})
        assert 0 < len(query["q"]) <= 100 and 3 <= int(query["per_page"]) <= 200 and query["safesearch"] == "true"
        return query["q"]

    def photos(asked: Asked) -> dict[str, Any]:
        text = checked(asked)
        assert asked.query["image_type"] == "photo" and asked.query["orientation"] in ("all", "horizontal", "vertical")
        rows = [
            _pixabay_row(fake, text, at) | {"largeImageURL": f"{fake.url}/files/{_number(text, at)}.jpg"} for at in range(count)
        ]
        return {"total": count, "totalHits": count, "hits": rows}

    def videos(asked: Asked) -> dict[str, Any]:
        text = checked(asked)
        assert "image_type" not in asked.query and "orientation" not in asked.query
        rows = []
        for at in range(count):
            file = {"url": f"{fake.url}/files/{_number(text, at + 500)}.mp4", "width": 1920, "height": 1080, "size": 100}
            sizes = {"large": {"url": "", "width": 0, "height": 0, "size": 0}, "medium": file, "tiny": file | {"width": 640}}
            rows.append(_pixabay_row(fake, text, at) | {"duration": 9, "videos": sizes})
        return {"total": count, "totalHits": count, "hits": rows}

    fake.route("GET", "/api/")(photos)
    fake.route("GET", "/api/videos/")(videos)
    return fake


def _pixabay_row(fake: FakeService, text: str, at: int) -> dict[str, Any]:
    return {
        "id": _number(text, at),
        "pageURL": f"https://pixabay.com/photos/{text.replace(' ', '-')}-{at}/",
        "tags": f"{text}, sky, number {at}",
        "imageWidth": 4000,
        "imageHeight": 2250,
        "user": f"Cid{at}",
        "user_id": at,
    }


def openverse(fake: FakeService, licences: tuple[str, ...] = ("by", "by-sa", "cc0"), count: int = 9) -> FakeService:
    """https://api.openverse.org/v1/"""
    files_serve(fake)

    def images(asked: Asked) -> dict[str, Any]:
        query = asked.query
        _whole(query, {"q", "page", "page_size", "license", "license_type", "mature", "aspect_ratio"})
        assert int(query["page_size"]) <= 20, "without a key it gives 20 a page"
        assert query["aspect_ratio"] in ("tall", "wide", "square")
        shown = [each for each in licences if "license_type" not in query or not {"nc", "nd"} & set(each.split("-"))]
        rows = []
        for at in range(count if shown else 0):
            code = shown[at % len(shown)]
            number = _number(query["q"], at)
            rows.append(
                {
                    "id": f"00000000-0000-4000-8000-{number:012}",
                    "title": f"{query['q']} of plate {at}",
                    "foreign_landing_url": f"https://www.flickr.com/photos/dora/{number}",
                    "url": f"{fake.url}/files/{number}.jpg",
                    "creator": f"Dora {at}",
                    "creator_url": None,
                    "license": code,
                    "license_version": "2.0",
                    "license_url": f"https://creativecommons.org/licenses/{code}/2.0/",
                    "tags": [{"name": "harbour", "accuracy": None}, None],
                    "height": 1365,
                    "width": 2048,
                }
            )
        return {"result_count": len(rows), "page_count": 1, "page_size": 20, "page": 1, "results": rows}

    fake.route("GET", "/v1/images/")(images)
    return fake


def commons(fake: FakeService, licence: str = "CC BY-SA 4.0", count: int = 9) -> FakeService:
    """https://commons.wikimedia.org/w/api.php"""
    files_serve(fake)

    def search(asked: Asked) -> dict[str, Any]:
        query = asked.query
        assert "videoflow" in asked.headers["user-agent"], "Wikimedia asks who is calling"
        assert query["action"] == "query" and query["format"] == "json" and query["generator"] == "search"
        assert query["gsrnamespace"] == "6" and int(query["gsrlimit"]) <= 50 and "extmetadata" in query["iiprop"]
        text, _, kind = query["gsrsearch"].rpartition(" filetype:")
        assert kind in ("bitmap", "video")
        suffix = "jpg" if kind == "bitmap" else "mp4"
        pages = []
        for at in range(count):
            number = _number(text, at)
            file = f"{fake.url}/files/{number}.{suffix}"
            told = {
                "LicenseShortName": {"value": licence},
                "Artist": {"value": '<a href="//x">Eve &amp; <b>Co</b></a>'},
                "LicenseUrl": {"value": "https://creativecommons.org/licenses/by-sa/4.0"},
                "ImageDescription": {"value": f"<p>{text} seen from the quay</p>"},
            }
            mime = "image/svg+xml" if at == 0 else "image/jpeg" if kind == "bitmap" else "video/mp4"
            info = {"url": file, "mime": mime, "width": 4000, "height": 2600, "size": 1, "extmetadata": told}
            info |= {"descriptionurl": f"https://commons.wikimedia.org/wiki/File:{number}", "duration": 9.5}
            info |= {"thumburl": file, "thumbwidth": 1920, "thumbheight": 1248} if kind == "bitmap" else {}
            pages.append({"pageid": number, "ns": 6, "title": f"File:{text} {at}.jpg", "index": at + 1, "imageinfo": [info]})
        return {"batchcomplete": True, "query": {"pages": pages}}

    fake.route("GET", "/w/api.php")(search)
    return fake


def openai(fake: FakeService, *, by_address: bool = False, refuses: str = "") -> FakeService:
    """https://platform.openai.com/docs/api-reference/images/create"""
    files_serve(fake)

    def generate(asked: Asked) -> Told | dict[str, Any]:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        body = asked.json()
        _whole(
            body, {"model", "prompt", "n", "size", "quality", "output_format", "output_compression", "background", "moderation"}
        )
        width, height = (int(side) for side in body["size"].split("x"))
        assert body["model"] and 0 < len(body["prompt"]) <= 32_000 and body["n"] == 1
        assert width % 16 == 0 and height % 16 == 0 and 1 / 3 <= width / height <= 3
        assert body["quality"] in ("low", "medium", "high", "auto") and body["output_format"] in ("png", "jpeg", "webp")
        if refuses and refuses in body["prompt"]:
            error = {"message": "Your request was rejected.", "type": "image_generation_user_error", "code": "moderation_blocked"}
            return Told({"error": error}, 400)
        number = _number(body["prompt"], 7)
        told = {"url": f"{fake.url}/files/{number}.jpg"} if by_address else {"b64_json": _text(photo(number, width, height))}
        return {"created": 1, "data": [told], "usage": {"total_tokens": 100}}

    fake.route("POST", "/v1/images/generations")(generate)
    return fake


def gemini(fake: FakeService, finish: str = "STOP") -> FakeService:
    """https://ai.google.dev/gemini-api/docs/image-generation"""

    def generate(asked: Asked) -> dict[str, Any]:
        assert asked.headers["x-goog-api-key"] == KEY and "key" not in asked.query
        body = asked.json()
        _whole(body, {"contents", "generationConfig", "safetySettings"})
        wanted = body["generationConfig"]
        assert set(wanted["responseModalities"]) == {"TEXT", "IMAGE"} and wanted["imageConfig"]["aspectRatio"] in (
            "16:9",
            "9:16",
            "1:1",
        )
        if finish != "STOP":
            return {"candidates": [{"content": {"parts": [{"text": "I cannot."}]}, "finishReason": finish}]}
        content = photo(_number(body["contents"][0]["parts"][0]["text"], 3), 1344, 768, "PNG")
        parts = [{"text": "Here it is."}, {"inlineData": {"mimeType": "image/png", "data": _text(content)}}]
        return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}], "usageMetadata": {}}

    fake.route("POST", r"/v1beta/models/([\w.-]+):generateContent")(generate)
    return fake


def automatic1111(fake: FakeService) -> FakeService:
    """https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API"""

    def draw(asked: Asked) -> dict[str, Any]:
        body = asked.json()
        assert body["prompt"] and body["width"] % 8 == 0 and body["height"] % 8 == 0 and 1 <= body["steps"] <= 150
        content = photo(body["seed"] % 100_000, body["width"], body["height"], "PNG")
        return {"images": [_text(content)], "parameters": {}, "info": "{}"}

    fake.route("POST", "/sdapi/v1/txt2img")(draw)
    return fake


def comfyui(fake: FakeService, *, polls: int = 1, fails: bool = False, writes: bool = True) -> FakeService:
    """https://docs.comfy.org/development/comfyui-server/comms_routes"""
    jobs: dict[str, dict[str, Any]] = {}

    def prompt(asked: Asked) -> dict[str, Any]:
        graph = asked.json()["prompt"]
        assert graph and all("class_type" in node and isinstance(node["inputs"], dict) for node in graph.values())
        assert not any(f"{{{name}}}" in str(graph) for name in ("prompt", "negative", "width", "height", "seed")), "left unfilled"
        key = f"job-{len(jobs)}"
        jobs[key] = {"graph": graph, "left": polls}
        return {"prompt_id": key, "number": len(jobs), "node_errors": {}}

    def history(asked: Asked) -> dict[str, Any]:
        job = jobs[asked.groups[0]]
        job["left"] -= 1
        if job["left"] >= 0:
            return {}
        files = [{"filename": "preview.png", "subfolder": "", "type": "temp"}]
        files += [{"filename": f"{asked.groups[0]}.png", "subfolder": "", "type": "output"}] if writes else []
        status = {"status_str": "error" if fails else "success", "completed": not fails}
        return {asked.groups[0]: {"prompt": [], "outputs": {"7": {"images": files}}, "status": status}}

    def view(asked: Asked) -> bytes:
        assert asked.query["type"] == "output"
        seed = str(jobs[asked.query["filename"].removesuffix(".png")]["graph"])
        return photo(_number(seed, 1), 1024, 576, "PNG")

    fake.route("GET", "/object_info/CheckpointLoaderSimple")(
        lambda asked: {"CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": [[CHECKPOINT]]}}}}
    )
    fake.route("POST", "/prompt")(prompt)
    fake.route("GET", r"/history/([\w-]+)")(history)
    fake.route("GET", "/queue")(lambda asked: {"queue_running": [[0, key, {}, {}, []] for key in jobs], "queue_pending": []})
    fake.route("GET", "/view")(view)
    return fake


def veo(fake: FakeService, *, polls: int = 1, error: str = "", filtered: bool = False) -> FakeService:
    """https://ai.google.dev/gemini-api/docs/video"""
    orders: dict[str, int] = {}
    files_serve(fake)

    def submit(asked: Asked) -> dict[str, Any]:
        assert asked.headers["x-goog-api-key"] == KEY
        body = asked.json()
        _whole(body, {"instances", "parameters"})
        _whole(body["parameters"], {"aspectRatio", "durationSeconds", "resolution", "negativePrompt", "personGeneration", "seed"})
        assert body["instances"][0]["prompt"] and body["parameters"]["durationSeconds"] in (4, 6, 8)
        assert body["parameters"]["aspectRatio"] in ("16:9", "9:16")
        name = f"models/{asked.groups[0]}/operations/{len(orders)}"
        orders[name] = polls
        return {"name": name}

    def operation(asked: Asked) -> Told | dict[str, Any]:
        assert asked.headers["x-goog-api-key"] == KEY
        name = asked.groups[0]
        if name not in orders:
            return Told({"error": {"code": 404, "status": "NOT_FOUND", "message": "No such operation."}}, 404)
        orders[name] -= 1
        if orders[name] >= 0:
            return {"name": name}
        if error:
            return {"name": name, "done": True, "error": {"code": 13, "message": error}}
        if filtered:
            return {"name": name, "done": True, "response": {"generateVideoResponse": {"raiMediaFilteredReasons": ["People."]}}}
        sample = {"video": {"uri": f"{fake.url}/v1beta/files/clip-{name[-1]}:download?alt=media"}}
        return {"name": name, "done": True, "response": {"generateVideoResponse": {"generatedSamples": [sample]}}}

    def download(asked: Asked) -> Told:
        assert asked.headers["x-goog-api-key"] == KEY and asked.query == {"alt": "media"}
        return Told(b"", 302, {"Location": f"{fake.url}/files/77{asked.groups[0]}.mp4"})

    fake.route("POST", r"/v1beta/models/([\w.-]+):predictLongRunning")(submit)
    fake.route("GET", r"/v1beta/(models/[\w.-]+/operations/\d+)")(operation)
    fake.route("GET", r"/v1beta/files/clip-(\d+):download")(download)
    return fake


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
