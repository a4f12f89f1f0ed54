"""The command ``hub``: a page that shows how all Pis of a hosts file are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from device.commands.argument_types import port_number
from device.commands.runner import Commands, HelpText, debug_flag
from device.system.console import count_of, say
from device.web.address import parse_address

EXAMPLES = """examples:
  python -m device hub --hosts pis.txt
  python -m device hub --hosts pis.txt --tokens tokens --serve 0.0.0.0:8090

pis.txt is what deploy.sh --hosts takes, a host a line; page=HOST:PORT behind one says where its
page is, where that is not at --port of its name. tokens has a line of HOST and TOKEN for each Pi,
or one of * and TOKEN for all, and may be read by you alone (chmod 600). Both are read again when
they change.
"""


def add_hub(commands: Commands) -> None:
    """Add the command to the parser."""
    hub = commands.add_parser(
        "hub",
        help="a page that shows how all Pis are",
        description="Show on one page how all Pis of a hosts file are: picture, state, frames per "
        "second, last visit and version of each, those that need somebody first.",
        epilog=EXAMPLES,
        formatter_class=HelpText,
    )
    hub.add_argument(
        "--hosts", type=Path, required=True, metavar="FILE", help="as deploy.sh --hosts takes it"
    )
    hub.add_argument(
        "--tokens",
        type=Path,
        metavar="FILE",
        help="the tokens of their pages; the hub keeps them to itself",
    )
    hub.add_argument(
        "--port",
        type=port_number,
        default=8080,
        metavar="N",
        help="where the Pis have their pages (default: 8080)",
    )
    hub.add_argument(
        "--serve",
        type=parse_address,
        default="127.0.0.1:8090",
        metavar="HOST:PORT",
        help="where this page is to be (default: 127.0.0.1:8090, for this machine alone)",
    )
    hub.add_argument(
        "--token",
        help="what who wants to see it has to show (default: $LITEBERRY_TOKEN, else on addresses "
        "that others can reach one that is made and kept)",
    )
    debug_flag(hub)
    hub.set_defaults(handler=run_hub)


def run_hub(args: argparse.Namespace) -> None:
    """Run ``device hub``."""
    from device.hub.roster import Roster
    from device.hub.server import Hub
    from device.system.shutdown import GracefulShutdown

    roster = Roster(args.hosts, args.tokens, args.port, say)
    with GracefulShutdown() as shutdown, Hub(roster, args.serve, args.token) as hub:
        # A journal is read by more people than may watch.
        where = hub.endpoint.link if sys.stderr.isatty() else hub.endpoint.invitation
        say(f"{count_of(len(roster.members), 'Pi')} to be seen at {where}; Ctrl-C ends it")
        hub.run(shutdown.stop)
