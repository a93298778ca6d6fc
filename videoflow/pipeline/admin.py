from django.contrib import admin

from videoflow.pipeline.models import Asset, Project, Publication, Script, TrendReport, Video
from videoflow.tasks.admin import ReadOnlyAdmin

admin.site.register([Project, Script, TrendReport, Asset, Video, Publication], ReadOnlyAdmin)
