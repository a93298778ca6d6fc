"""Voices of outside services: one adapter each, and what they share."""

from videoflow.providers.speaking.azure import AzureSpeech
from videoflow.providers.speaking.elevenlabs import ElevenLabsSpeech
from videoflow.providers.speaking.gemini import GeminiSpeech
from videoflow.providers.speaking.openai import KokoroSpeech, OpenAISpeech
from videoflow.providers.speaking.piper import PiperSpeech
from videoflow.providers.speaking.service_speech import ServiceSpeech

__all__ = ["AzureSpeech", "ElevenLabsSpeech", "GeminiSpeech", "KokoroSpeech", "OpenAISpeech", "PiperSpeech", "ServiceSpeech"]
