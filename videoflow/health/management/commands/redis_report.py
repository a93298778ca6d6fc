import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from redis.exceptions import RedisError

from videoflow import redis
from videoflow.health.redis_keys import KINDS, Report, redis_read

_HEAD = ("kind", "keys", "bytes", "without end", "longest TTL", "promised TTL", "owner")


class Command(BaseCommand):
    help = "Say what Redis holds: keys, bytes and TTL by kind; exit code 1 when a key is unknown or lives longer than promised."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = redis_read(redis.connection())
            memory = redis.connection().info("memory")
        except (RedisError, OSError):
            raise CommandError(
                "Redis does not answer. The embedded one runs with the studio; start it, or look at REDIS_URL."
            ) from None
        used, limit = int(memory["used_memory"]), int(memory.get("maxmemory", 0))
        if options["json"]:
            body = {**asdict(report), "is_well": report.is_well, "used_bytes": used, "limit_bytes": limit}
            self.stdout.write(json.dumps(body))
        else:
            self._print(report, used=used, limit=limit)
        if not report.is_well:
            sys.exit(1)

    def _print(self, report: Report, *, used: int, limit: int) -> None:
        rows = [_HEAD]
        for kind in KINDS:
            figures = report.kinds[kind.name]
            longest = f"{figures.longest_ttl_seconds} s" if figures.longest_ttl_seconds > 0 else "-"
            promised = f"{kind.ttl_seconds} s" if kind.ttl_seconds is not None else "none"
            counts = (str(figures.keys), str(figures.size_bytes), str(figures.eternal))
            rows.append((kind.name, *counts, longest, promised, kind.owner))
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        for row in rows:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        most = f" of at most {limit / 1024**2:.0f} MB" if limit else ", without a limit"
        self.stdout.write(f"Redis uses {used / 1024**2:.1f} MB{most}.")
        for kind in KINDS:
            for key in report.kinds[kind.name].overlong:
                self.stdout.write(
                    self.style.ERROR(f"! {key} lives longer than the {kind.ttl_seconds} s promised for {kind.name}.")
                )
        for key in report.unknown:
            self.stdout.write(self.style.ERROR(f"! {key} is in no line of the table."))
        if report.unknown_count > len(report.unknown):
            self.stdout.write(self.style.ERROR(f"! … and {report.unknown_count - len(report.unknown)} more unknown ones."))
        if report.foreign_count:
            names = ", ".join(report.foreign[:5]) + (", …" if report.foreign_count > 5 else "")
            self.stdout.write(f"{report.foreign_count} keys belong to other programs: {names}")
