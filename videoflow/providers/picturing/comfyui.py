"""A ComfyUI server of one's own, with its user's workflow. Source: https://docs.comfy.org/development/comfyui-server/comms_routes

A workflow in API format is a graph of nodes. Where a text in it has ``{prompt}``, ``{negative}``, ``{width}``, ``{height}`` or
``{seed}``, the scene's own is put; without a workflow of the user's a plain one is used with the server's first checkpoint.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from videoflow.errors import BadInput
from videoflow.providers.net import ServiceRefused
from videoflow.providers.paid import CallLost, CallRefused, Reply, Submitted
from videoflow.providers.picturing.automatic1111 import NOT_WANTED
from videoflow.providers.picturing.found import Made, PictureKind, Wish
from videoflow.providers.picturing.json_reading import at_path, objects_read, text_read
from videoflow.providers.picturing.making import PICTURE_LIMIT_BYTES, Job, PictureMaker, seed_of, size_of
from videoflow.providers.registry import provider
from videoflow.sentences import Sentence

_DEFAULT_SIZE = "1024x576"
_ASK_SECONDS = 30.0
_FETCH_SECONDS = 120.0
_CLIP_SUFFIXES = (".mp4", ".webm")
_OUTPUTS = ("images", "gifs", "video", "videos")
"""Names under which nodes list what they wrote; clips come under any of them."""
_CHECKPOINT_NODE = "CheckpointLoaderSimple"


@provider("images", "comfyui")
class ComfyUi(PictureMaker):
    """Implements ``PictureMaking``. Options: ``workflow`` (API format), ``size``, ``negative_prompt``; ``model``: checkpoint."""

    name = "comfyui"
    kinds = ("image", "clip")

    def made(self, wish: Wish, prompt: str, run: int) -> Made:
        options = self.access.connection.options
        width, height = size_of(wish.shape, {"size": options.get("size") or _DEFAULT_SIZE})
        values: dict[str, str | int] = {
            "prompt": prompt,
            "negative": str(options.get("negative_prompt") or NOT_WANTED),
            "width": width,
            "height": height,
            "seed": seed_of(prompt, run),
        }
        graph = workflow_filled(workflow_read(options.get("workflow")) or self._plain_workflow(), values)

        def send(key: str) -> Submitted:
            answer = self.access.client.request(
                "POST", "/prompt", json={"prompt": graph, "client_id": key}, deadline_seconds=_ASK_SECONDS
            ).json()
            remote_id = text_read(answer, "prompt_id")
            if not remote_id:
                raise ServiceRefused(
                    Sentence("%(label)s did not take the workflow.", label=self.label), service=self.name, reason="no_prompt_id"
                )
            return Submitted(remote_id)

        body = self.pay(Job(wish.said, "workflow", {"graph": graph}, run, is_free=True), send, self._poll)
        return self._fetched(json.loads(body))

    def _poll(self, remote_id: str) -> Reply | None:
        """Return what the finished job has written down; None while it works."""
        path = f"/history/{quote(remote_id, safe='')}"
        job = at_path(self.access.client.request("GET", path, deadline_seconds=_ASK_SECONDS).json(), remote_id)
        if job is None:
            if self._is_waiting(remote_id):
                return None
            raise CallLost(
                Sentence("%(label)s does not know this job any more; it may have been started anew.", label=self.label)
            )
        status = text_read(job, "status", "status_str")
        if status == "error":
            raise CallRefused(
                Sentence("%(label)s could not run the workflow. Its own window says at which node it stopped.", label=self.label)
            )
        if not isinstance(at_path(job, "outputs"), Mapping):
            return None
        return Reply(json.dumps(job["outputs"]).encode(), charged_micros=0, remote_id=remote_id)

    def _is_waiting(self, remote_id: str) -> bool:
        queue = self.access.client.request("GET", "/queue", deadline_seconds=_ASK_SECONDS).json()
        rows = [row for name in ("queue_running", "queue_pending") for row in (at_path(queue, name) or [])]
        return any(isinstance(row, list) and remote_id in row for row in rows)

    def _fetched(self, outputs: Mapping[str, Any]) -> Made:
        for node in outputs.values():
            for file in (file for name in _OUTPUTS for file in objects_read(node, name)):
                name = text_read(file, "filename")
                if name and text_read(file, "type") in ("output", ""):
                    params = {"filename": name, "subfolder": text_read(file, "subfolder"), "type": "output"}
                    answer = self.access.client.request(
                        "GET",
                        "/view",
                        params=params,
                        deadline_seconds=_FETCH_SECONDS,
                        limit_bytes=PICTURE_LIMIT_BYTES,
                        cancelled=self.access.cancelled,
                    )
                    kind: PictureKind = "clip" if name.lower().endswith(_CLIP_SUFFIXES) else "image"
                    return Made(answer.body, kind, self.access.connection.model or "workflow", source_id=name)
        raise self.broken(Sentence("ran the workflow, but it wrote no picture. It needs a node that saves one"))

    def _plain_workflow(self) -> dict[str, Any]:
        """Return a graph that draws with the chosen checkpoint, else with the server's first."""
        model = self.access.connection.model or self._first_checkpoint()
        return {
            "1": {"class_type": _CHECKPOINT_NODE, "inputs": {"ckpt_name": model}},
            "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "{prompt}", "clip": ["1", 1]}},
            "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "{negative}", "clip": ["1", 1]}},
            "4": {"class_type": "EmptyLatentImage", "inputs": {"width": "{width}", "height": "{height}", "batch_size": 1}},
            "5": {
                "class_type": "KSampler",
                "inputs": {
                    "model": ["1", 0],
                    "positive": ["2", 0],
                    "negative": ["3", 0],
                    "latent_image": ["4", 0],
                    "seed": "{seed}",
                    "steps": 25,
                    "cfg": 6.5,
                    "sampler_name": "dpmpp_2m",
                    "scheduler": "karras",
                    "denoise": 1.0,
                },
            },
            "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
            "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "videoflow"}},
        }

    def _first_checkpoint(self) -> str:
        path = f"/object_info/{_CHECKPOINT_NODE}"
        answer = self.access.client.request("GET", path, deadline_seconds=_ASK_SECONDS).json()
        listed = at_path(answer, _CHECKPOINT_NODE, "input", "required", "ckpt_name")
        names = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], list) else []
        if not names:
            raise BadInput(
                Sentence(
                    "%(label)s has no checkpoint. Put one into its models folder, or give it a workflow of your own.",
                    label=self.label,
                )
            )
        return str(names[0])


def workflow_read(value: Any) -> dict[str, Any]:
    """Return a workflow from an option, which holds the graph or its JSON; empty where there is none.

    Raises:
        BadInput: it is no workflow in API format.
    """
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except ValueError:
            raise BadInput("The workflow is not JSON. Export it from ComfyUI with “Export (API)” and bring that file.") from None
    if not value:
        return {}
    nodes = value.values() if isinstance(value, dict) else [None]
    if not all(isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict) for node in nodes):
        raise BadInput("This workflow is not in the API format. Export it from ComfyUI with “Export (API)” and bring that file.")
    if "{prompt}" not in json.dumps(value):
        raise BadInput("This workflow has no {prompt} in any of its texts. Write {prompt} where the words of the picture belong.")
    return dict(value)


def workflow_filled(graph: Mapping[str, Any], values: Mapping[str, str | int]) -> dict[str, Any]:
    """Return the graph with the scene's values; a text that is nothing but ``{seed}`` becomes the number."""

    def filled(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: filled(each) for name, each in part.items()}
        if isinstance(part, list):
            return [filled(each) for each in part]
        if not isinstance(part, str):
            return part
        for name, value in values.items():
            if part == f"{{{name}}}":
                return value
            part = part.replace(f"{{{name}}}", str(value))
        return part

    return {str(key): filled(node) for key, node in graph.items()}
