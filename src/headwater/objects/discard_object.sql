-- Gives up the object that a deleted row referred to, however the row went: by a command, by a cascade, by hand.
--   create trigger ... after delete on ... for each row execute function headwater.discard_object('object');
-- What another row still refers to stays. The bytes are swept after the commit.
create or replace function headwater.discard_object() returns trigger language plpgsql as $$
declare
    given_up uuid := (to_jsonb(old) ->> tg_argv[0])::uuid;
begin
    delete from headwater.object where id = given_up;
    if found then
        insert into headwater.upload (id, expires_at) values (given_up, now());
    end if;
    return null;
exception when foreign_key_violation then
    return null;
end
$$;
