import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoflow.api.body import DEPTH_LIMIT, json_read
from videoflow.errors import BadInput

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


class TestJsonRead:
    @given(VALUES, st.booleans())
    def test_what_it_takes_is_what_was_sent(self, value, ascii_only):
        assert json_read(json.dumps(value, ensure_ascii=ascii_only).encode()) == value

    @given(st.binary() | st.text(st.sampled_from('{}[]",:0123456789eE+-.truefalsn\\ud8 ')).map(str.encode))
    def test_anything_else_is_refused_in_one_sentence(self, raw):
        try:
            value = json_read(raw)
        except BadInput as refusal:
            assert refusal.code == "BAD_JSON"
            assert str(refusal).endswith(".")
        else:
            assert value == json.loads(raw)

    def test_depth(self):
        assert json_read(b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT)
        for depth in (DEPTH_LIMIT + 1, 1_000, 500_000):
            with pytest.raises(BadInput, match="deep"):
                json_read(b"[" * depth + b"]" * depth)
