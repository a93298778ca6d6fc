import pytest

from videoflow.errors import BadInput
from videoflow.pipeline.editing import proposals
from videoflow.pipeline.editing.steps import undo
from videoflow.pipeline.models import Script, script_current
from videoflow.pipeline.tests.factories import ProjectFactory, with_script
from videoflow.pipeline.tests.written_script import written_script

pytestmark = pytest.mark.django_db


@pytest.fixture
def script() -> Script:
    return written_script(ProjectFactory.create())


def texts(script: Script) -> list[str]:
    return list(script.turns.values_list("text", flat=True))


def test_other_words_stand_beside_the_lines_and_change_nothing(script):
    before = texts(script)
    count = proposals.propose(project=script.project).lines
    assert count == script.proposals.count() >= 3
    assert texts(script) == before
    for proposal in script.proposals.select_related("turn"):
        assert proposal.text not in before
        assert {entry["key"] for entry in proposal.sources} == set(proposal.turn.sources)


def test_a_locked_line_is_never_touched(script):
    script.turns.update(is_locked=True)
    free = script.turns.exclude(sources=[]).first()
    script.turns.filter(pk=free.pk).update(is_locked=False)
    proposals.propose(project=script.project)
    assert set(script.proposals.values_list("turn", flat=True)) == {free.pk}
    with pytest.raises(BadInput, match="Unlock"):
        proposals.propose(project=script.project, keys={script.turns.filter(is_locked=True).first().key})
    script.turns.update(is_locked=True)
    with pytest.raises(BadInput, match="no proposal"):
        proposals.proposals_accept(project=script.project)


def test_one_line_is_proposed_again_in_yet_other_words(script):
    proposals.propose(project=script.project)
    turn = script.proposals.select_related("turn").first().turn
    first = turn.proposal.text
    try:
        proposals.propose(project=script.project, keys={turn.key})
    except BadInput as error:
        assert "no other words" in str(error)
    else:
        assert script.proposals.get(turn=turn).text != first


def test_accepting_all_is_one_step_and_keeps_a_version(script):
    before = texts(script)
    count = proposals.propose(project=script.project).lines
    assert proposals.proposals_accept(project=script.project) == count
    current = script_current(script.project)
    assert sum(one != other for one, other in zip(before, texts(current), strict=True)) == count
    assert not script.proposals.exists()
    assert (current.pk, current.version, current.origin) == (script.pk, 2, "Other words accepted")
    known = {entry["key"] for entry in current.evidence}
    assert all(set(turn.sources) <= known and not turn.words for turn in current.turns.all())
    assert texts(script.project.scripts.get(version=1)) == before
    undo(script.project)
    assert texts(current) == before


def test_refused_proposals_go(script):
    count = proposals.propose(project=script.project).lines
    one = script.proposals.select_related("turn").first().turn.key
    assert proposals.proposals_refuse(project=script.project, keys={one}) == 1
    assert proposals.proposals_refuse(project=script.project) == count - 1
    assert not script.proposals.exists()


def test_own_scripts_are_not_reworded_and_it_is_said_why():
    script = with_script(ProjectFactory.create(), input_type="script", script_text="A: Hello there.\nB: Good morning.")
    with pytest.raises(BadInput, match="your own script"):
        proposals.propose(project=script.project)
