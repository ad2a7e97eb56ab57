"""The statements of an SQL text, as far as they must be known before it is sent.

A small lexer follows the rules of psql's (nested comments, four kinds of quotes, ``begin atomic`` bodies). It finds
where statements begin and what their first words are, and no more.

It answers two questions. Can the text leave state in the session (a setting, a LISTEN, an advisory lock, a temporary
table)? Then the connection is reset before it is lent again; for every other text that round trip is saved. And does
it begin or end a transaction? Only Headwater does that. The first answer is conservative: a text is reset after unless
it is known to be harmless. A function that is not PostgreSQL's own is assumed to leave no state; call one that does on
a connection from `Pool.acquire`, which is always reset.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from headwater.db.errors import TransactionControl

_TOKEN = re.compile(
    r"""
      (?P<skip>  \s+ | --[^\n]* )
    | (?P<block> /\* )
    | (?P<quote> [eE]'(?:[^'\\]|''|\\.)*'? | '(?:[^']|'')*'? | "(?:[^"]|"")*"? )
    | (?P<dollar> \$(?:[^\W\d]\w*)?\$ )
    | (?P<word>  [^\W\d][\w$]* )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HARMLESS_VERBS = _words(
    "select insert update delete merge with values table explain analyze show copy lock notify truncate create alter "
    "drop grant revoke comment reindex vacuum cluster refresh savepoint release fetch move close checkpoint"
)
_LEFT_BEHIND = _words(
    "set_config setseed temp temporary pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock "
    "pg_try_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared "
    "dblink_connect dblink_connect_u lo_open pg_replication_origin_session_setup"
)
_CONTROLS = _words("begin start commit end rollback abort")
_DROPS_STATEMENTS = _words("discard deallocate")


class Statement(NamedTuple):
    """One statement: its offset in the text (0-based), its line (1-based), and its words in lower case."""

    offset: int
    line: int
    text: str
    words: tuple[str, ...]


class Traits(NamedTuple):
    """What must be known of a text before it is sent."""

    leaves_state: bool  # can leave state in the session
    drops_statements: bool  # drops the connection's prepared statements
    control: str | None  # the first words of a statement that begins or ends a transaction
    columns_open: bool  # returns all columns of a table, whatever they are (`*`, `table t`)


@lru_cache(maxsize=4096)
def traits(sql: str) -> Traits:
    """The traits of a text; cached."""
    statements = list(split(sql))
    return Traits(
        leaves_state=any(map(_leaves_state, statements)),
        drops_statements=any(
            statement.words[:1] and statement.words[0] in _DROPS_STATEMENTS for statement in statements
        ),
        control=next(filter(None, map(_control, statements)), None),
        columns_open="*" in sql or any("table" in statement.words for statement in statements),
    )


def admit(sql: str) -> Traits:
    """The traits of a text that may be sent; raises `TransactionControl` if it begins or ends a transaction."""
    text = traits(sql)
    if text.control is not None:
        raise TransactionControl(verb=text.control.upper())
    return text


def split(sql: str) -> Iterator[Statement]:
    """The statements of a text, in order, without the semicolons between them; those without a word are left out."""
    start = depth = nested = 0
    words: list[str] = []
    for kind, begin, end in _tokens(sql):
        if kind == "word":
            word = sql[begin:end].lower()
            if not words:
                start = begin
            words.append(word)
            if depth == 0 and _defines_routine(words):
                nested = _nest(nested, word)
        elif kind == "other":
            character = sql[begin]
            if character == "(":
                depth += 1
            elif character == ")":
                depth -= 1
            elif character == ";" and depth <= 0 and nested == 0:
                if words:
                    yield _statement(sql, start, begin, words)
                words, depth = [], 0
    if words:
        yield _statement(sql, start, len(sql), words)


def _statement(sql: str, start: int, end: int, words: list[str]) -> Statement:
    return Statement(start, sql.count("\n", 0, start) + 1, sql[start:end].rstrip(), tuple(words))


def _defines_routine(words: list[str]) -> bool:
    return words[0] == "create" and not {"function", "procedure"}.isdisjoint(words[1:4])


def _nest(nested: int, word: str) -> int:
    if word == "begin" or (word == "case" and nested):
        return nested + 1
    return nested - 1 if word == "end" and nested else nested


def _tokens(sql: str) -> Iterator[tuple[str, int, int]]:
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        if match is None:  # every character matches at least `other`
            raise AssertionError(at)
        kind, end = match.lastgroup or "", match.end()
        if kind == "block":
            end = _end_of_comment(sql, end)
        elif kind == "dollar":
            close = sql.find(match.group(), end)
            end = len(sql) if close < 0 else close + len(match.group())
        yield kind, at, end
        at = end


def _end_of_comment(sql: str, at: int) -> int:
    depth = 1
    for edge in _BLOCK_EDGE.finditer(sql, at):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)


def _leaves_state(statement: Statement) -> bool:
    first, second = (*statement.words, "", "")[:2]
    if first == "set":
        return second not in {"local", "constraints", "transaction"}
    if first == "rollback":
        return False
    return first not in _HARMLESS_VERBS or not _LEFT_BEHIND.isdisjoint(statement.words)


def _control(statement: Statement) -> str | None:
    first = statement.words[0]
    if first in _CONTROLS and not (first == "rollback" and "to" in statement.words):
        return first
    return "prepare transaction" if statement.words[:2] == ("prepare", "transaction") else None
