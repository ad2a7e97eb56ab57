-- Files that belong to tasks. Their bytes are in the object storage and go when the row does, also by a cascade.

create table tasks.attachment (
    id uuid primary key,
    task uuid not null references tasks.task on delete cascade,
    object uuid not null references headwater.object,
    name text not null check (length(name) between 1 and 255),
    media_type text not null,
    size bigint not null,
    added_by uuid,                                      -- null once that person has left
    added_at timestamptz not null default now()
);

create index attachment_by_task on tasks.attachment (task, added_at, id);
create index attachment_by_object on tasks.attachment (object);
create index attachment_by_added_by on tasks.attachment (added_by);

create trigger attachment_discard after delete on tasks.attachment
    for each row execute function headwater.discard_object('object');
