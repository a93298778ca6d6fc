import json
import logging
import sys

import pytest
from django.test import Client

from videoflow.logs import (
    JsonFormatter,
    LineFormatter,
    OriginFilter,
    current_request_id,
    current_stage,
    current_task_id,
    masked,
)

CANARY = "canary-5f1c9e7a"


def record(message: str, *arguments: object) -> logging.LogRecord:
    made = logging.LogRecord("videoflow.trial", logging.WARNING, __file__, 1, message, arguments, None)
    OriginFilter().filter(made)
    return made


def failure() -> logging.LogRecord:
    made = record("it went wrong")
    try:
        raise ValueError(f"Authorization: Bearer {CANARY}")
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


class TestMasked:
    @pytest.mark.parametrize(
        "text",
        [
            f"Authorization: Bearer {CANARY}",
            f"authorization: basic {CANARY}",
            f"api_key={CANARY}&x=1",
            f'{{"client_secret": "{CANARY}"}}',
            f"Cookie: {CANARY}",
            f"cannot connect to postgresql://studio:{CANARY}@db:5432/studio",
            f"redis://:{CANARY}@redis:6379/0",
            f"https://bucket.example/key?X-Amz-Signature={CANARY}",
            f"X-Amz-Security-Token={CANARY}",
            f"aws_secret_access_key = {CANARY}",
        ],
    )
    def test_secrets_go(self, text: str) -> None:
        assert CANARY not in masked(text)

    def test_the_rest_stays(self) -> None:
        text = "Looked at https://example.org:443/a?b=1 for mail@example.org: 3 tokens, 1 secret thing"
        assert masked(text) == text


class TestFormats:
    def test_json_names_task_stage_and_request(self) -> None:
        tokens = [
            (variable, variable.set(value))
            for variable, value in ((current_task_id, "t-1"), (current_stage, "drafting"), (current_request_id, "r-1"))
        ]
        try:
            body = json.loads(JsonFormatter().format(record("%s of %s", 1, 2)))
        finally:
            for variable, token in tokens:
                variable.reset(token)
        assert (body["message"], body["level"], body["logger"]) == ("1 of 2", "WARNING", "videoflow.trial")
        assert (body["task"], body["stage"], body["request"]) == ("t-1", "drafting", "r-1")
        assert body["time"].endswith("Z")

    def test_json_leaves_out_what_there_is_not(self) -> None:
        assert not {"task", "stage", "request", "exception"} & set(json.loads(JsonFormatter().format(record("quiet"))))

    def test_a_traceback_is_one_line_without_its_secret(self) -> None:
        text = JsonFormatter().format(failure())
        assert "\n" not in text
        assert CANARY not in text
        assert "ValueError" in json.loads(text)["exception"]

    def test_a_line_holds_no_secret_either(self) -> None:
        assert CANARY not in LineFormatter().format(failure())


class TestRequestId:
    def test_a_plain_one_is_kept(self, client: Client) -> None:
        assert client.get("/livez", headers={"X-Request-ID": "proxy-7.4711"}).headers["X-Request-ID"] == "proxy-7.4711"

    def test_another_one_is_replaced(self, client: Client) -> None:
        first = client.get("/livez", headers={"X-Request-ID": 'x" injected="1'}).headers["X-Request-ID"]
        second = client.get("/livez").headers["X-Request-ID"]
        assert first != second
        assert first.isalnum()
