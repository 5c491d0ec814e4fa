"""The corpus as it lies on disk: JSON lines, one document or dialogue a line, compressed with xz."""
import json
import lzma
import sys


class CorpusError(Exception):
    """Bad input to the trainer, said in one sentence."""


def documents(path, allow_truncated=False):
    """Yields the shard's documents: {"text": ...} or {"messages": [{"role", "content"}, ...]}.

    A shard that ends in the middle is an error, unless allow_truncated: then what is whole is used and stderr says so.
    """
    number = 0
    line = ""
    try:
        with lzma.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                number += 1
                yield _document(path, number, line)
    except FileNotFoundError:
        raise CorpusError(f"{path}: no such shard: copy the corpus there or name another folder")
    except EOFError:
        if not allow_truncated:
            raise CorpusError(f"{path}: the file ends in the middle, after {number} whole lines: fetch it again, "
                              "or pass --allow-truncated to use those")
        print(f"{path}: the file ends in the middle; {number} whole lines are used", file=sys.stderr)
    except lzma.LZMAError as error:
        raise CorpusError(f"{path}: not an xz file ({error}): want JSON lines compressed with xz")


def _document(path, number, line):
    try:
        document = json.loads(line)
        if isinstance(document.get("text"), str):
            return document
        for message in document["messages"]:
            if not (isinstance(message["role"], str) and isinstance(message["content"], str)):
                raise TypeError("role and content must be strings")
        return document
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(f"{path}: line {number} is no document ({error!r}): want an object with text or messages")
