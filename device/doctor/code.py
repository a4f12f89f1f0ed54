"""The check of the code itself: whether it is what was deployed."""

from __future__ import annotations

from collections.abc import Iterator

from device.doctor.case import Case
from device.doctor.finding import Finding
from device.system.code_integrity import damaged_code

DEPLOY_AGAIN = "./deploy.sh HOST   # on the laptop: what is damaged is sent again"
NAMED = 3


def check_code(case: Case) -> Iterator[Finding]:
    """Whether each file is as it was sent; in a checkout, which nobody sent, there is no saying."""
    damaged = damaged_code(case.release)
    if damaged is None:
        return
    if damaged:
        names = ", ".join(damaged[:NAMED]) + (" and others" if len(damaged) > NAMED else "")
        yield Finding("code", "problem", f"damaged: {names}", DEPLOY_AGAIN)
    else:
        yield Finding("code", "ok", "every file as it was deployed")
