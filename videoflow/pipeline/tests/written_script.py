"""A script as the embedded writer drafts it from notes, unspoken: for tests of what is made from the same notes again."""

from dataclasses import asdict

from videoflow.pipeline.models import Project, Script, Turn
from videoflow.pipeline.stages.drafting import ScriptInput, embedded_redraft
from videoflow.pipeline.tests.factories import ScriptFactory, task_done
from videoflow.providers.embedded_writer.tests.test_topic_script import REEF


def written_script(project: Project) -> Script:
    """Give a project a script about coral reefs, its turns unspoken."""
    options = ScriptInput(input_type="topic", topic="How coral reefs survive", notes=REEF, minimum_seconds=90)
    task = task_done(project, "script_generation", "written", input_data=options.model_dump(mode="json", exclude_unset=True))
    draft = embedded_redraft(project, options, seed=project.seed)
    evidence = [asdict(entry) for entry in draft.evidence]
    script: Script = ScriptFactory.create(project=project, task=task, input_type="topic", title=draft.title, evidence=evidence)
    turns = [(turn, exchange.section) for exchange in draft.exchanges for turn in exchange.turns]
    for position, (turn, section) in enumerate(turns):
        Turn.objects.create(
            script=script,
            position=position,
            speaker=turn.speaker,
            text=turn.text,
            section=section,
            sources=list(turn.sources),
            cue=asdict(turn.cue) if turn.cue else None,
            measured_seconds=len(turn.text.split()) / 2.6,
        )
    return script
