"""The statements of the peers that page, export and redirect: those that a good engineer would write for it."""

PERSON = "id, name, email, country, city, born, joined"
PAGE = f"""
select {PERSON} from directory.person where (joined, id) < ($1::timestamptz, $2::bigint)
order by joined desc, id desc limit $3
"""
EXPORT = f"select {PERSON} from directory.person"
CHUNK = 2000
FOLLOW = """
insert into links.clicks (code, day, count)
select code, (now() at time zone 'UTC')::date, 1 from links.link
where code = $1 and deleted_at is null and not blocked and coalesce(expires_at > now(), true)
on conflict (code, day) do update set count = clicks.count + 1
returning (select target from links.link where code = $1)
"""
"""One statement, one commit: the visit is counted, durably, when the visitor is led on."""
