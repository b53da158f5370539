"""The options of the live page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from dashboards.live.serve import Address, check_address
from twin.cli.numbers import whole

__all__ = [
    "PAGE_HOST",
    "BehindProxy",
    "PageCertificate",
    "PageHost",
    "PageKey",
    "PagePort",
    "WithPage",
    "page_address",
]

PAGE_HOST: Final = "127.0.0.1"

WithPage = Annotated[bool, typer.Option("--page/--no-page", help="Serve the live page.")]
PageHost = Annotated[
    str,
    typer.Option(help="Where the page is served; on any but loopback with https and users only."),
]
PagePort = Annotated[
    int | None,
    typer.Option(
        parser=whole("--page-port", 0, 65_535),
        metavar="NUMBER",
        help="0: any free one. [8600, or any free one where that is taken]",
    ),
]
PageCertificate = Annotated[Path | None, typer.Option(help="A PEM file, for https.")]
PageKey = Annotated[Path | None, typer.Option(help="The PEM file with the certificate's key.")]
BehindProxy = Annotated[
    bool, typer.Option("--behind-proxy", help="A proxy on this machine speaks https for the page.")
]


def page_address(
    host: str,
    port: int | None,
    certificate: Path | None,
    key: Path | None,
    behind_proxy: bool,
    users_file: Path,
) -> Address:
    """Put the options together.

    Raises:
        UsageError: others would see the page unprotected.
    """
    address = Address(host, port, certificate, key, behind_proxy)
    check_address(address, users_file)
    return address
