"""Generated pgoutput messages, of every kind and with every shape that their fields allow."""

from hypothesis import strategies as st

from headwater.wal.pgoutput import (
    UNCHANGED,
    Begin,
    Commit,
    Delete,
    Ignored,
    Insert,
    Message,
    Relation,
    RelationColumn,
    Truncate,
    Update,
)

u32 = st.integers(0, 2**32 - 1)
lsns = st.integers(0, 2**64 - 1)
times = st.integers(-(2**63), 2**63 - 1)
names = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
prefixes = names.map(str.encode)
values = st.lists(st.one_of(st.text(max_size=12), st.none(), st.just(UNCHANGED)), max_size=6).map(tuple)
columns = st.builds(RelationColumn, names, u32, st.booleans())

begins = st.builds(Begin, lsns, times, u32)
commits = st.builds(Commit, lsns, lsns, times)
logical_messages = st.builds(Message, st.booleans(), lsns, prefixes, st.binary(max_size=40))
relations = st.builds(Relation, u32, names, names, st.sampled_from("dnfi"), st.lists(columns, max_size=6).map(tuple))
inserts = st.builds(Insert, u32, values)
updates = st.one_of(
    st.builds(Update, u32, st.none(), st.none(), values),
    st.builds(Update, u32, values, st.none(), values),
    st.builds(Update, u32, st.none(), values, values),
)
deletes = st.one_of(st.builds(Delete, u32, values, st.none()), st.builds(Delete, u32, st.none(), values))
truncates = st.builds(Truncate, st.lists(u32, max_size=5).map(tuple))
ignoreds = st.builds(Ignored, st.sampled_from("OY"))

messages = st.one_of(begins, commits, logical_messages, relations, inserts, updates, deletes, truncates, ignoreds)
