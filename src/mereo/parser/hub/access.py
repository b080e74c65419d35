"""What is asked of the Hugging Face hub: names of what lies there, and what went wrong, told in our words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from mereo.errors import BadEnvironment, BadInput, MereoError

# OWNER/NAME, and behind @ a branch, a tag, a commit or a request (refs/pr/1).
_ID = re.compile(r"([A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?)(?:@([\w][\w./-]*))?")
NOT_LOGGED_IN, NOT_ALLOWED = 401, 403


def parsed_name(identifier: str, *, prefix: str, what: str) -> tuple[str, str | None]:
    """The repository and the revision of OWNER/NAME@REVISION; None: the newest.

    >>> parsed_name("someone/streets@refs/pr/1", prefix="hub:", what="a parser")
    ('someone/streets', 'refs/pr/1')
    """
    named = _ID.fullmatch(identifier)
    if named is None or len(identifier) > 160 or ".." in identifier:
        raise BadInput(
            f"{what} on the hub must be named {prefix}OWNER/NAME, but got {identifier!r:.80}; copy its name."
        )
    return named.group(1), named.group(2)


@contextmanager
def hub_errors(identifier: str, *, prefix: str, what: str, instead: str) -> Iterator[None]:
    """Whatever the network, the cache or the hub's library meets inside, as a sentence. `instead`: what also helps."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except MereoError:
        raise
    except GatedRepoError as error:
        raise BadInput(
            f"{what} must be open to you, but got {identifier}, which its owner opens on request; accept its terms on "
            "its page, and log in (hf auth login)."
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise BadInput(
            f"{what} must be on the hub, but got none called {identifier}; check the name, or log in if it is private."
        ) from error
    except LocalEntryNotFoundError as error:  # Neither the network nor the cache had it; a kind of the next error.
        raise _unreachable(error, f"{prefix}{identifier} must be downloadable", instead) from error
    except EntryNotFoundError as error:
        raise BadInput(
            f"{what} on the hub must hold the file that is loaded, but got none in {identifier}; check the name and "
            "the revision."
        ) from error
    except Exception as error:
        raise _unreachable(error, f"{prefix}{identifier} must be downloadable", instead) from error


@contextmanager
def push_errors(repository: str) -> Iterator[None]:
    """As `hub_errors`, of writing."""
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    not_logged_in = BadEnvironment(
        f"pushing to {repository} must be done by somebody who is logged in, but got no valid token; run hf auth "
        "login, or set HF_TOKEN."
    )
    try:
        yield
    except LocalTokenNotFoundError as error:
        raise not_logged_in from error
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status == NOT_LOGGED_IN:
            raise not_logged_in from error
        if status == NOT_ALLOWED:
            raise BadInput(
                f"pushing must go to a place of your own, but got {repository}, where you may not write; name another "
                "owner, or use a token that may write."
            ) from error
        raise _unreachable(error, f"{repository} must be writable", "try again later") from error
    except Exception as error:
        raise _unreachable(error, f"{repository} must be writable", "try again later") from error


def _unreachable(error: Exception, rule: str, instead: str) -> BadEnvironment:
    reason = _cut_at_a_word(" ".join(str(error).split()) or type(error).__name__)
    return BadEnvironment(f"{rule}, but got: {reason}; check the network, or {instead}.")


def _cut_at_a_word(text: str, *, most: int = 160) -> str:
    """A text of one line; a longer one ends with its last whole word and an ellipsis.

    >>> _cut_at_a_word("the network is unreachable", most=18)
    'the network is ...'
    """
    if len(text) <= most:
        return text
    kept = text[: most - 3]
    # A single word of this length is an address: its beginning says more than nothing.
    return f"{kept[: kept.rindex(' ') + 1] if ' ' in kept else kept}..."
