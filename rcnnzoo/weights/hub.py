"""Weights on the Hugging Face Hub, in files of safetensors alone.

`hf://OWNER/NAME[@REVISION]` is the file `model.safetensors` of that repository. It is fetched once, into the Hub's own
cache, which names it by its hash; whenever it is used, its bytes are compared with that.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rcnnzoo.errors import OptionError, WeightsError, reason
from rcnnzoo.hashing import bytes_hash
from rcnnzoo.writing import WEIGHTS

SCHEME = "hf://"
FORM = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[^@\s]+))?")
SHA1 = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class Address:
    """Where a network is on the Hub.

    Attributes:
        repository: `OWNER/NAME`.
        revision: A branch, tag or commit; None for the newest commit.
    """

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def is_address(text: str) -> bool:
    """Whether MODEL is on the Hub.

    >>> is_address("hf://lab/bl"), is_address("lab/bl")
    (True, False)
    """
    return text.startswith(SCHEME)


def address_of(text: str) -> Address:
    """What a user typed, with or without `hf://`.

    >>> address_of("hf://lab/bl@v1"), str(address_of("lab/bl"))
    (Address(repository='lab/bl', revision='v1'), 'hf://lab/bl')

    Raises:
        OptionError: It has another form.
    """
    found = FORM.fullmatch(text.removeprefix(SCHEME))
    if found is None or ".." in text.split("@")[-1].split("/"):
        raise OptionError(f"{text}: is not OWNER/NAME or OWNER/NAME@REVISION")
    return Address(found["repository"], found["revision"])


@dataclass(frozen=True)
class Fetched:
    """A weight file in the Hub's cache.

    Attributes:
        path: Where it is.
        address: Where it comes from, by its commit.
    """

    path: Path
    address: Address


def fetch(address: Address) -> Fetched:
    """The weights of a repository, from the cache or else from the Hub.

    Without a connection, the commit that the revision last stood for is taken from the cache.

    Raises:
        WeightsError: The repository or revision doesn't exist, holds no weights of rcnnzoo's, or can't be reached and
            isn't in the cache; or the file's hash is not the one that the Hub gave.
    """
    from huggingface_hub import hf_hub_download

    with _in_one_line(address):
        path = Path(hf_hub_download(address.repository, WEIGHTS, revision=address.revision))
    _check_hash(path, address)
    return Fetched(path, Address(address.repository, path.parent.name))


def _check_hash(path: Path, address: Address) -> None:
    """The cache has a link to a file that is named by the hash that the Hub gave: SHA-256, or git's own of small files.

    Where there are no links, only the hash inside the file, which is checked when it is loaded, shows damage.
    """
    stored = path.resolve()
    found = bytes_hash(stored)
    if SHA1.fullmatch(stored.name):
        content = stored.read_bytes()
        found = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if stored != path.absolute() and found != stored.name:
        raise WeightsError(
            f"{address}: {stored} is not what was published, its hash is {found}: delete it, and it is fetched again"
        )


def upload(address: Address, files: Mapping[str, Path | bytes], message: str, *, private: bool) -> Address:
    """Put files into a repository in one commit; a repository that isn't there is made.

    Args:
        address: The repository, and a branch if it isn't the usual one.
        files: Each file, or its content, by its name there.
        message: Of the commit.
        private: Whether a new repository is visible to its owner alone.

    Returns:
        The address of the commit.

    Raises:
        WeightsError: Nobody is logged in or may write there, the repository is there and open to all though it is meant
            to be private, or the Hub can't be reached.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    hub = HfApi(token=True, library_name="rcnnzoo")
    operations = [CommitOperationAdd(name, file) for name, file in files.items()]
    with _in_one_line(address):
        hub.create_repo(address.repository, private=private, exist_ok=True)
        if private and not hub.repo_info(address.repository).private:
            raise WeightsError(
                f"{address}: is there already and open to all: leave out `private`, or take another name"
            )
        if address.revision is not None:
            hub.create_branch(address.repository, branch=address.revision, exist_ok=True)
        commit = hub.create_commit(address.repository, operations, commit_message=message, revision=address.revision)
    return Address(address.repository, commit.oid)


@contextmanager
def _in_one_line(address: Address) -> Iterator[None]:
    """The Hub's client has many errors, most of several lines."""
    from huggingface_hub import constants, errors
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars, logging

    hub, bars, verbosity = constants.ENDPOINT, not are_progress_bars_disabled(), logging.get_verbosity()
    logging.set_verbosity_error()  # it would say each time that it tries again
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        yield
    except WeightsError:
        raise
    except errors.HFValidationError as error:
        raise OptionError(f"{address}: is not a name that the Hub allows") from error
    except errors.LocalTokenNotFoundError as error:
        raise WeightsError(f"{address}: nobody is logged in: run `hf auth login`, or set HF_TOKEN") from error
    except errors.RevisionNotFoundError as error:
        raise WeightsError(f"{address}: {address.repository} has no revision {address.revision!r}") from error
    except errors.RepositoryNotFoundError as error:
        raise WeightsError(
            f"{address}: {hub} has no such repository, or it is not open to you: check the name, or `hf auth login`"
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise WeightsError(f"{address}: {hub} can't be reached, and the cache has no copy: try again later") from error
    except errors.EntryNotFoundError as error:
        raise WeightsError(f"{address}: holds no {WEIGHTS}, so it is not a network of rcnnzoo's") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        advice = "log in with `hf auth login` as somebody who may" if status in (401, 403) else "try again later"
        raise WeightsError(f"{address}: {hub} answered with status {status}: {advice}") from error
    except Exception as error:  # of the connection, the file system, or the client
        raise WeightsError(f"{address}: {reason(error.__cause__ or error).rstrip('.')}: try again later") from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            enable_progress_bars()
