"""What the report's template is given: the report's own content and the numbers of its evidence entries."""

import json

from advisor.models import Report


def report_page(*, report: Report) -> dict[str, object]:
    data = json.loads(bytes(report.content))
    revision = report.run.revision
    return {"data": data, "report": report, "revision": revision, "decision": revision.decision}
