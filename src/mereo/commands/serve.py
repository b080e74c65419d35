"""`mereo serve [FOLDER]`: the studio's HTTP service without its page, for programs."""

from mereo.commands.pixel_caps import MaxPixels
from mereo.commands.studio import (
    DEFAULT_PORT,
    LOOPBACK,
    AllowedHosts,
    Device,
    Folder,
    Host,
    Index,
    Parsers,
    Port,
    Token,
    run_service,
)
from mereo.picture_sizes import MAX_PIXELS


def serve(
    folder: Folder = None,
    parser: Parsers = None,
    index: Index = None,
    port: Port = DEFAULT_PORT,
    host: Host = LOOPBACK,
    token: Token = None,
    allowed_host: AllowedHosts = None,
    device: Device = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Serve parsers over HTTP: POST /v1/parse with a picture as the body; /openapi.json has the rest.

    Example: mereo serve --parser street --port 9000
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
        has_page=False,
        opens_browser=False,
    )
