"""One question to a language model and its answer: the strictest way that works, one turn to mend it, nothing paid for twice."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NoReturn

from videoflow.providers.base import ProviderError
from videoflow.providers.net import ServiceBroken, ServiceRefused, as_paid
from videoflow.providers.net.errors import status_error
from videoflow.providers.paid import CallRefused, PaidCall, Reply, Submitted, request_hash
from videoflow.providers.registry import Access
from videoflow.providers.services import service_get
from videoflow.providers.writing.dialects import Ask, Dialect, Message, NoAnswer, Rung, Said
from videoflow.providers.writing.prompts import repair_prompt
from videoflow.providers.writing.schema import AnyAnswer, Unusable, answer_read, schema_of
from videoflow.sentences import Sentence

DEADLINE_SECONDS = 300.0
REPLY_LIMIT_BYTES = 8_000_000
MAX_TOKENS = 16_000
"""For the answer and what the model thinks before it; ``max_tokens`` among the service's options says otherwise."""
_TOKENS_PER_CHARACTER = 0.4  # at most, over languages; for what is reserved before a call
_FREE_LIFE = timedelta(days=1)
"""Where nothing is charged, a call whose reply was lost is simply made again."""
_STEP_DOWN = {400, 404, 405, 415, 422, 501}
_NOT_THE_SHAPE = {
    "context_length_exceeded",
    "model_not_found",
    "invalid_api_key",
    "API_KEY_INVALID",
    "insufficient_quota",
    "content_policy_violation",
    "content_filter",
    "not_found_error",
    "NOT_FOUND",
    "PERMISSION_DENIED",
    "authentication_error",
    "redirect",
}
"""Refusals that another way of asking for the shape would not help."""


class AnswerUnusable(ProviderError):
    """The model answered, and what it said cannot be used; asking the same again is answered with the same."""

    code = "ANSWER_UNUSABLE"


class AnswerCut(AnswerUnusable):
    """The answer stopped at the model's limit."""

    code = "ANSWER_CUT"


class ModelRefused(AnswerUnusable):
    """The model does not want to write this."""

    code = "MODEL_REFUSED"


@dataclass(frozen=True, slots=True)
class Question:
    system: str
    prompt: str
    purpose: str
    """The same each time, for the ledger: "script", "more lines 1"."""
    seed: int
    """Another seed is another wanted result."""


class Asker:
    """Asks one service with one model."""

    def __init__(self, access: Access, dialect: Dialect) -> None:
        self._access = access
        self._dialect = dialect
        self._service = service_get(access.connection.service)
        self.model = access.connection.model

    @property
    def label(self) -> str:
        return f"{self._service.label} ({self.model})"

    def ask(
        self, question: Question, shape: type[AnyAnswer], faults_of: Callable[[AnyAnswer], Sequence[str]]
    ) -> tuple[AnyAnswer, Sequence[str]]:
        """Return the answer and what is still wrong with it after one turn in which the model could mend it.

        Raises:
            AnswerCut, ModelRefused, AnswerUnusable: there is an answer that cannot be used.
            ProviderError: of the call itself, see ``StageContext.paid_call``.
        """
        messages: tuple[Message, ...] = (Message("user", question.prompt),)
        said = self._say(question, messages, shape)
        answer, faults = self._read(said, shape, faults_of)
        if not faults:
            assert answer is not None
            return answer, ()
        messages = (*messages, Message("assistant", said.text), Message("user", repair_prompt(faults)))
        mended = self._say(replace(question, purpose=Sentence("%(purpose)s, mended", purpose=question.purpose)), messages, shape)
        second, left = self._read(mended, shape, faults_of)
        if second is not None and (answer is None or len(left) <= len(faults)):
            return second, left
        if answer is not None:
            return answer, faults
        raise AnswerUnusable(
            Sentence(
                "%(label)s did not answer in the form that was asked for, twice. Choose a model that follows "
                "instructions better, or write with another seed.",
                label=self.label,
            ),
            details={"faults": list(left)[:5]},
        )

    def _read(
        self, said: Said, shape: type[AnyAnswer], faults_of: Callable[[AnyAnswer], Sequence[str]]
    ) -> tuple[AnyAnswer | None, Sequence[str]]:
        try:
            answer = answer_read(said.text, shape)
        except Unusable as error:
            return None, (str(error),)
        return answer, tuple(faults_of(answer))

    # One call ------------------------------------------------------------------------------------------------------------

    def _say(self, question: Question, messages: tuple[Message, ...], shape: type[AnyAnswer]) -> Said:
        """Send it in the strictest way that the service takes with this model, which is remembered."""
        fact = f"rung {self._access.connection.base_url} {self.model}"
        known = self._access.remember.get(fact)
        rungs = self._dialect.rungs
        start = rungs.index(known) if known in rungs else 0
        first: ProviderError | None = None
        for rung in rungs[start:]:
            try:
                said = self._said(self._pay(question, messages, schema_of(shape), rung))
            except (CallRefused, ServiceRefused) as error:
                first = first or error
                if not _is_about_the_shape(error):
                    raise self._refusal(error) from error
                continue
            if rung != known:
                self._access.remember.set(fact, rung)
            return self._whole(said)
        raise self._refusal(first)

    def _pay(self, question: Question, messages: tuple[Message, ...], schema: Mapping[str, Any], rung: Rung) -> bytes:
        options = self._access.connection.options
        temperature = options.get("temperature")
        ask = Ask(
            model=self.model,
            system=question.system,
            messages=messages,
            schema=schema,
            rung=rung,
            max_tokens=int(options.get("max_tokens") or MAX_TOKENS),
            temperature=float(temperature) if temperature is not None else None,
        )
        body = self._dialect.body(ask, options)
        is_free = self._service.price["writer"].micros == 0
        size = len(question.system) + sum(len(message.text) for message in messages)
        call = PaidCall(
            provider=self._service.key,
            model=self.model,
            capability="writer",
            purpose=question.purpose,
            request_hash=request_hash(body=body, path=self._dialect.path(self.model), seed=question.seed),
            send=as_paid(lambda key: self._send(body)),
            key_life=_FREE_LIFE if is_free else None,
            units=(size * _TOKENS_PER_CHARACTER + ask.max_tokens) / 1000,
        )
        return self._access.pay(call)

    def _send(self, body: Mapping[str, Any]) -> Reply | Submitted:
        """Make the call; a reply that holds an error, or nothing, is none."""
        client = self._access.client
        answer = client.request(
            "POST",
            self._dialect.path(self.model),
            json=body,
            headers=self._dialect.headers,
            deadline_seconds=DEADLINE_SECONDS,
            limit_bytes=REPLY_LIMIT_BYTES,
        )
        reply = answer.json()
        if isinstance(reply, dict) and reply.get("error"):
            self._error_raise(reply["error"], answer.body)
        self._said(answer.body)
        return Reply(answer.body)

    def _error_raise(self, error: Any, body: bytes) -> NoReturn:
        """Raise what an error inside a good answer means, by the status that it names."""
        named = error.get("code") if isinstance(error, Mapping) else None
        status = named if isinstance(named, int) and 400 <= named < 600 else 502
        raise status_error(
            service=self._service.key,
            label=self._service.label,
            status=status,
            headers={},
            body=body,
            key=self._access.connection.key,
        )

    def _said(self, body: bytes) -> Said:
        try:
            reply = json.loads(body)
            said = self._dialect.read(reply) if isinstance(reply, dict) else None
        except (ValueError, NoAnswer) as error:
            said, reason = None, str(error)
        else:
            reason = "not an object"
        if said is None:
            raise ServiceBroken(
                Sentence("%(label)s answered without an answer in it (%(reason)s).", label=self._service.label, reason=reason),
                service=self._service.key,
                status=200,
                reason="no_answer",
            )
        return said

    def _whole(self, said: Said) -> Said:
        if said.finish == "length":
            raise AnswerCut(
                Sentence(
                    "%(label)s stopped in the middle: its answer may not be longer. Ask for a shorter video, or "
                    "choose a model with a larger limit.",
                    label=self.label,
                )
            )
        if said.finish == "refused":
            reason = " ".join("".join(sign if sign.isprintable() else " " for sign in said.text).split())[:200]
            raise ModelRefused(
                Sentence(
                    "%(label)s does not write this. It said: “%(reason)s”. Change the topic, or choose another model.",
                    label=self.label,
                    reason=reason,
                )
            )
        return said

    def _refusal(self, error: ProviderError | None) -> CallRefused:
        """Return a refusal with what to do about it."""
        assert error is not None
        reason, status = error.details.get("reason"), error.details.get("status")
        said = str(error)
        hint = ""
        if reason == "context_length_exceeded" or "context length" in said.lower():
            hint = (
                f"There is more material than {self.model} reads at once. Shorten the notes, pick fewer themes, or choose "
                "another model."
            )
        elif status == 404 and self._service.key == "ollama":
            hint = f"Run “ollama pull {self.model}” where Ollama runs, or choose a model that is there."
        elif status == 404:
            hint = f"Is the model called “{self.model}”, and is the address right? Choose another model."
        elif status in {401, 403}:
            hint = "Check the key in the settings."
        return CallRefused(f"{said} {hint}".strip(), code=error.code, retryable=error.retryable, details=error.details)


def _is_about_the_shape(error: ProviderError) -> bool:
    return error.details.get("status") in _STEP_DOWN and error.details.get("reason") not in _NOT_THE_SHAPE
