"""Groups of users, and what is to be done where this one is not in the group that it needs."""

from __future__ import annotations

import grp
import os
import pwd


def is_in_group(group: str) -> bool:
    """Whether this process is in ``group``, or root's."""
    return os.geteuid() == 0 or group in {_group_name(number) for number in os.getgroups()}


def group_advice(group: str, allows: str) -> tuple[str, str]:
    """What is wrong where this user is not in ``group``, which ``allows`` something; what mends it.

    Raises nothing: a group that there is not is one that nobody is in.
    """
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    try:
        listed = user in grp.getgrnam(group).gr_mem
    except KeyError:
        listed = False
    if listed:
        return (
            f"{user} is in the group {group}, but not yet in this session",
            "log out and in again, or: sudo reboot",
        )
    return (
        f"{user} is not in the group {group}, which {allows}",
        f"sudo usermod -aG {group} {user}   # then log out and in again",
    )


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ""
