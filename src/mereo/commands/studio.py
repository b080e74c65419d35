"""`mereo studio [FOLDER]`: a page to parse, look, click, correct and search, served to this machine's browser."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mereo.commands.device_help import DEVICE
from mereo.commands.pixel_caps import MaxPixels
from mereo.picture_sizes import MAX_PIXELS
from mereo.text_lines import printable

if TYPE_CHECKING:
    from mereo.web.parser_shelf import ParserShelf

DEFAULT_PORT = 8321
LOOPBACK = "127.0.0.1"

Folder = Annotated[
    Path | None, typer.Argument(help="A folder of photographs to choose from; corrected labels are saved in it.")
]
Parsers = Annotated[
    list[str] | None,
    typer.Option(
        "--parser",
        help="A built-in name, a parser file, a run folder, or hub:OWNER/NAME; repeatable. Left out: all inside.",
    ),
]
Index = Annotated[
    Path | None, typer.Option(help="The folder of an index to search; left out: FOLDER.index where there is one.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0: any that is free.")]
Host = Annotated[str, typer.Option(help="The address to listen on; any but this machine's own asks for a token.")]
Token = Annotated[
    str | None, typer.Option(help="What requests must bring along; left out: one is made where one is needed.")
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option("--allowed-host", help="Another name that the service goes by (behind a proxy); may be repeated."),
]
Device = Annotated[str, typer.Option(help=DEVICE)]


def studio(
    folder: Folder = None,
    parser: Parsers = None,
    index: Index = None,
    port: Port = DEFAULT_PORT,
    host: Host = LOOPBACK,
    token: Token = None,
    allowed_host: AllowedHosts = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    device: Device = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Open the studio: parse photographs, look at what was found, click on groups, ask why, correct labels, search.

    Example: mereo studio holiday/ --parser street --parser runs/mine
    """
    run_service(
        folder,
        parsers=parser,
        index=index,
        port=port,
        host=host,
        token=token,
        allowed_hosts=allowed_host or [],
        device=device,
        max_pixels=max_pixels,
        has_page=True,
        opens_browser=not no_browser,
    )


def run_service(
    folder: Path | None,
    *,
    parsers: list[str] | None,
    index: Path | None,
    port: int,
    host: str,
    token: str | None,
    allowed_hosts: list[str],
    device: str,
    max_pixels: int,
    has_page: bool,
    opens_browser: bool,
) -> None:
    """Prints the address on one line, and serves until it is stopped."""
    require_web()
    from mereo.errors import BadInput
    from mereo.web.application import create_application
    from mereo.web.service_limits import ServiceLimits
    from mereo.web.serving import listening_socket, serve

    if folder is not None and not folder.is_dir():
        raise BadInput(f"FOLDER must be a folder of photographs, but got {str(folder)!r:.200}; check its name.")
    if token is not None and not is_usable_token(token):
        raise BadInput(
            "--token must be 8 or more letters, digits, - or _, but got another; leave it out, and one is made."
        )
    token = token or made_token(host)
    index = index or index_beside(folder)
    # The port first: what is taken is told before anything is loaded.
    with listening_socket(host, port) as listening:
        application = create_application(
            opened_shelf(parsers, device),
            folder=folder,
            index=index,
            has_page=has_page,
            limits=ServiceLimits(pixels=max_pixels),
            token=token,
            allowed_hosts=names_of(host, allowed_hosts),
        )
        address = address_of(host, listening.getsockname()[1], token)

        def started() -> None:
            typer.echo(address)
            # Read by whoever waits for it, in a pipe too.
            sys.stdout.flush()
            if opens_browser and has_display():
                open_browser(address)

        serve(application, listening, on_started=started)


def require_web() -> None:
    from importlib.util import find_spec

    from mereo.errors import BadEnvironment

    missing = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
    if missing:
        raise BadEnvironment(
            f"the studio's packages must be installed, but got no {' and no '.join(missing)}; pip install 'mereo[web]'."
        )


def opened_shelf(names: list[str] | None, device: str) -> "ParserShelf":
    """Left out: all built-in parsers, the default one first. Files are looked for now, and loaded when asked for."""
    from functools import partial

    from huggingface_hub.constants import HF_HUB_CACHE

    from mereo.parser.devices import require_device
    from mereo.parser.parser_names import is_on_hub
    from mereo.parser.scene_parser import SceneParser
    from mereo.parser.weights import built_in_parsers, find_parser_file, load
    from mereo.web.parser_shelf import Loader, ParserShelf, short_name

    chosen = require_device(device)
    named = names or list(built_in_parsers())
    loaders: dict[str, SceneParser | Loader] = {}
    shown = {HF_HUB_CACHE: "the hub's cache"}
    for name in named:
        # What lies on the hub is fetched when it is loaded.
        if not is_on_hub(name):
            path = find_parser_file(name)
            shown[str(path)] = path.name
        loaders[short_name(name, loaders)] = partial(load, name, device=chosen)
    shelf = ParserShelf(loaders, default=next(iter(loaders), ""), shown=shown)
    shelf.get(shelf.default)
    return shelf


def is_loopback(host: str) -> bool:
    """
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("my.machine")
    (True, True, False, False)
    """
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_usable_token(token: str) -> bool:
    """It stands in addresses and cookies as it is."""
    import re

    return re.fullmatch(r"[A-Za-z0-9_-]{8,200}", token) is not None


def made_token(host: str) -> str | None:
    import secrets

    return None if is_loopback(host) else secrets.token_urlsafe(24)


def names_of(host: str, others: list[str]) -> set[str]:
    """Host names that requests may bring. Beyond loopback every address by number is one, and this machine's name."""
    import socket

    from mereo.web.request_guard import ANY_ADDRESS, LOOPBACK_HOSTS, host_name

    names = {*LOOPBACK_HOSTS, host_name(host), *(host_name(other) for other in others)}
    return names if is_loopback(host) else {*names, ANY_ADDRESS, socket.gethostname().lower()}


def address_of(host: str, port: int, token: str | None) -> str:
    """
    >>> address_of("127.0.0.1", 8321, None), address_of("::1", 8321, "secret12")
    ('http://127.0.0.1:8321/', 'http://[::1]:8321/?token=secret12')
    """
    import socket

    # "Every address of this machine" is none that a browser could open.
    name = socket.gethostname() if host in ("0.0.0.0", "::", "") else host
    shown = f"[{name}]" if ":" in name else name
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")


def index_beside(folder: Path | None) -> Path | None:
    """FOLDER.index, where `mereo index build` put one that can be searched here. Nobody asked for it, so what keeps it
    from being searched is a warning."""
    if folder is None:
        return None
    from importlib.util import find_spec

    from mereo.errors import MereoError
    from mereo.retrieval.lance_library import INSTALL
    from mereo.retrieval.segment_index import SegmentIndex, is_index

    beside = Path(f"{os.path.abspath(folder)}.index")
    if not is_index(beside):
        return None
    try:
        if find_spec("lancedb") is None:
            reason = f"there is no LanceDB; {INSTALL} installs it"
        else:
            SegmentIndex.open(beside)
            return beside
    except MereoError as error:
        reason = str(error)
    typer.echo(f"warning: {printable(str(beside))} cannot be searched: {printable(reason)}", err=True)
    return None


def has_display() -> bool:
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def open_browser(address: str) -> None:
    """Beside the server: a browser of the terminal would hold it up."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
