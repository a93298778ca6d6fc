import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from videoflow.errors import VideoflowError
from videoflow.pipeline import stages
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.models import Project


class Command(BaseCommand):
    help = "Run one stage of a project in the foreground, with a progress bar."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Id of the project.")
        parser.add_argument("stage", choices=[stage.name for stage in stages.load()])
        parser.add_argument("--input", default="{}", help="JSON object: the stage's input.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = Project.objects.get(pk=options["project"])
            input_data = json.loads(options["input"])
        except (Project.DoesNotExist, ValueError) as error:
            raise CommandError(f"Nothing was run: {error}") from error
        try:
            task = stage_run(project=project, task_type=options["stage"], input_data=input_data)
        except VideoflowError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(task.message)
