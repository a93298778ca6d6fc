"""Pictures and clips of outside services: searched for, or made from words."""

from videoflow.providers.picturing import (
    automatic1111,
    comfyui,
    commons,
    gemini_images,
    openai_images,
    openverse,
    pexels,
    pixabay,
    veo,
)

__all__ = ["automatic1111", "comfyui", "commons", "gemini_images", "openai_images", "openverse", "pexels", "pixabay", "veo"]
